"""Programs that make what the documentation shows, and the measurements that lie outside a test run."""
