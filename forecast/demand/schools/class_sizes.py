"""Classes, places, rooms and floor area from pupils, and what a smaller class costs.

Where schools are given, classes are rounded up in each school and grade. Where not, a half class is lost to rounding
in each of them on average. A higher limit never makes more classes, and the pupils stay as they are.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

ROUNDING_LOSS = 0.5
"""Classes that rounding adds in a school's grade on average: the part of a class that lacks pupils is anything from
none to one."""


def classes_of_schools(pupils: xr.DataArray, limit: xr.DataArray | float) -> xr.DataArray:
    """Classes (..., school, grade): pupils over the limit, rounded up; none where there are no pupils. Asked alone.

    >>> classes_of_schools(xr.DataArray([90.0, 91.0, 0.0], dims="school"), 45).values.tolist()
    [2.0, 3.0, 0.0]
    """
    filled = pupils / limit - 1e-9  # 90 / 45 is two classes whatever the last digit says
    return xr.DataArray(np.ceil(filled)).clip(min=0).rename("classes")


def expected_classes(
    pupils: xr.DataArray, limit: xr.DataArray | float, school_grades: xr.DataArray | float, loss: float = ROUNDING_LOSS
) -> xr.DataArray:
    """Classes where schools are not known: pupils over the limit, and a rounding loss for each grade of each
    school."""
    with xr.set_options(arithmetic_join="exact"):
        return (pupils / limit + loss * school_grades).rename("classes")


def places(classes: xr.DataArray, limit: xr.DataArray | float) -> xr.DataArray:
    """Places that the classes hold when full. Asked alone."""
    return (classes * limit).rename("places")


def places_with_spare(pupils: xr.DataArray, spare: float) -> xr.DataArray:
    """Places for pupils and a share kept free for those who come during the year."""
    return (pupils * (1 + spare)).rename("places")


def class_size(pupils: xr.DataArray, classes: xr.DataArray) -> xr.DataArray:
    """Mean pupils per class; NaN where there are no classes. Asked alone."""
    return (pupils / classes.where(classes > 0)).rename("class_size")


def large_class_share(sizes: xr.DataArray, threshold: float, over: str = "school") -> xr.DataArray:
    """Share of classes with at least `threshold` pupils (大班额 56, 超大班额 66), over a dimension of class sizes.
    Asked alone."""
    return ((sizes >= threshold).sum(over) / sizes.notnull().sum(over)).rename("large_class_share")


def rooms_and_area(
    classes: xr.DataArray, places_: xr.DataArray, rooms_per_class: float, m2_per_place: xr.DataArray | float
) -> xr.Dataset:
    """Classrooms and floor area, m2, that classes and places need. Asked alone."""
    return xr.Dataset({"rooms": classes * rooms_per_class, "floor_area": places_ * m2_per_place})


def small_class_dividend(
    pupils: xr.DataArray,
    limits: xr.DataArray,
    school_grades: xr.DataArray | float,
    posts_per_class: xr.DataArray | float,
    yuan_per_post: float,
    room_stock: xr.DataArray,
    yuan_per_room: float = np.nan,
) -> xr.Dataset:
    """Classes, posts, lacking rooms and yuan that smaller classes (小班化) ask for beyond the first limit.

    limits: (limit step,) dimension `limit`, the first is today's (45 -> 40 -> 35); pupils: (..., county, year);
    room_stock: rooms there are. Rooms freed by falling rolls are used first: only rooms above the stock are built.
    yuan_a_year is for posts, yuan_once for rooms above those that today's limit would already lack; NaN where the price
    of a room is not known.
    """
    classes = expected_classes(pupils, limits, school_grades)
    more = classes - classes.isel(limit=0, drop=True)
    lacking = (classes - room_stock).clip(min=0)
    added = lacking - lacking.isel(limit=0, drop=True)
    return xr.Dataset(
        {
            "classes": classes,
            "more_classes": more,
            "more_posts": more * posts_per_class,
            "more_rooms": added,
            "yuan_a_year": more * posts_per_class * yuan_per_post,
            "yuan_once": added * yuan_per_room,
        }
    )
