"""The tables of a region: columns with the headers that bureaus use, units, keys, and what each table opens.

One place is schema, reader's guide and source of the template. A column that is not `needed` may be absent; a cell
may be blank only where the column is not `needed` or says `blank`. What a table opens stands in the catalogue
(`region.opens.*`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from forecast.region.cells import (
    AGE,
    AGE_OR_TOTAL,
    CODE,
    DATE,
    FLAG,
    NUMBER,
    OPEN_UNIT,
    PART,
    SEX,
    SEX_OR_TOTAL,
    SIGNED,
    TEXT,
    UNIT,
    WHOLE,
    YEAR,
    Kind,
    one_of,
    plain,
)
from forecast.services import Service, school_stages, services

COMPONENTS = {
    "population": ("年末常住人口", "常住人口", "人口"),
    "births": ("出生人口", "出生人数"),
    "deaths": ("死亡人口", "死亡人数"),
    "birth_rate": ("出生率",),
    "death_rate": ("死亡率",),
}
COUNTED = {
    "pupils": ("在校生", "在校生数", "在校学生", "在校学生数", "在园幼儿", "enrolment"),
    "entrants": ("招生", "招生数", "新生", "入园", "入园人数"),
    "leavers": ("毕业", "毕业生", "毕业生数", "离园", "离园人数", "graduates"),
}
"""Whom a row of `enrolment` counts: pupils at the start of the school year, those of them who entered the stage with it,
those who left the stage by completing it in that calendar year."""
ORIGINS = {
    "same_county": ("本县其他乡镇街道", "本县", "县内"),
    "same_province": ("本省其他县", "本省", "省内"),
    "other_province": ("省外", "外省"),
}
"""Where residents are registered who are not registered where they live, as a census prints it."""
SUPPLY_KINDS = {
    "recorded": ("实有", "实有数", "台账"),
    "rolls": ("按最多在校生数推得", "按在校生数推得", "最多在校生数"),
    "ratio": ("按千人指标推得", "千人指标", "按人均指标推得"),
}
"""How a figure of supply is known, the surest first: places or beds that exist; the most pupils ever held at once; so
many per 1,000 residents, of a nation or a standard."""
BASIS_WORDS = {"published": ("公布", "已公布"), "derived": ("推算", "推导"), "assumed": ("假定", "假设")}
"""How sure a figure is, the surest first."""

_STAGE, _GRADE = school_stages().stages, school_stages().grades
_UNIT_OF_COMPONENT = {name: "1" if name.endswith("_rate") else "persons" for name in COMPONENTS}


@dataclass(frozen=True)
class Column:
    """`name` after normalising, how cells are read, other headers (Chinese first), and what an absent cell means."""

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    needed: bool = True
    blank: bool = False
    default: str = ""


@dataclass(frozen=True)
class Table:
    """One CSV file of a region.

    `quantity`: the column that carries the unit; `units`: base units that fit, the first is meant where the table
    may go without a unit column; `unit_by`: (column, its word -> base unit) where the row decides; `either`: one of
    these columns is needed. `areas`: columns with area codes. `full_ages`: columns of a set whose ages run from 0 to
    the open group. `read_by`: rooms that ask for the table once it is checked; none where it is kept for later and
    changes no forecast yet.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    quantity: str = ""
    units: tuple[str, ...] = ()
    unit_by: tuple[str, Mapping[str, str]] = ("", {})
    either: tuple[str, ...] = ()
    areas: tuple[str, ...] = ("county",)
    full_ages: tuple[str, ...] = ()
    needed: bool = False
    read_by: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def find(self, header: str) -> str:
        """The column that a printed header means, "" where none.

        >>> TABLES["population"].find("县区代码")
        'county'
        """
        wanted = plain(header)
        for column in self.columns:
            if wanted in {plain(name) for name in (column.name, *column.aliases)}:
                return column.name
        return ""

    def headers(self) -> list[str]:
        """Every header that is understood."""
        return [name for column in self.columns for name in (column.name, *column.aliases)]


_AREA_WORDS = ("县区代码", "行政区划代码", "区划代码", "地区代码", "县(市、区)代码", "区县代码", "代码", "code")
_COUNTY = Column("county", CODE, (*_AREA_WORDS, "area", "region"))
_AREA = Column("area", CODE, (*_AREA_WORDS, "county", "region"))
_YEAR = Column("year", YEAR, ("年份", "年度", "年"))
_SEX = Column("sex", SEX, ("性别", "gender"))
_SEX_OR_TOTAL = Column("sex", SEX_OR_TOTAL, ("性别", "gender"))
_AGE_WORDS = ("年龄组", "年龄", "age", "岁")
_AGE = Column("age_group", AGE, _AGE_WORDS)
_AGE_OR_TOTAL = Column("age_group", AGE_OR_TOTAL, _AGE_WORDS)
_SOME_SEX = Column("sex", SEX, _SEX.aliases, needed=False)
_SOME_AGE = Column("age_group", AGE, _AGE_WORDS, needed=False)
_UNIT_WORDS = ("单位", "计量单位", "units")
_UNIT = Column("unit", UNIT, _UNIT_WORDS)
_SOME_UNIT = Column("unit", UNIT, _UNIT_WORDS, needed=False)
_OPEN_UNIT = Column("unit", OPEN_UNIT, _UNIT_WORDS)


def _service_column(of: Mapping[str, Service]) -> Column:
    words = {name: service.aliases for name, service in of.items()}
    return Column("service", Kind("service", one_of(words), "str"), ("服务", "服务类型", "服务类别"))


def _unit_of_service(of: Mapping[str, Service]) -> tuple[str, Mapping[str, str]]:
    return "service", {name: service.unit for name, service in of.items()}


_SERVICE, _BY_SERVICE = _service_column(services()), _unit_of_service(services())
_ANY_SERVICE = Column("service", TEXT, _SERVICE.aliases)
_CAPACITY_WORDS = ("容量", "学位数", "床位数", "供给量", "规模")
_ITEM = Column("item", TEXT, ("指标", "项目"))
_VALUE = Column("value", NUMBER, ("数值", "值"))
_PERSON_WORDS = ("人数", "人口数", "人口", "population", "常住人口")
_PERIOD = (Column("year_start", YEAR, ("起始年份", "开始年份")), Column("year_end", YEAR, ("终止年份", "结束年份")))
_FREE = (
    Column("note", TEXT, ("备注", "说明", "注"), needed=False),
    Column("county_name", TEXT, ("县区", "县(市、区)", "县区名称", "地区", "地区名称", "area_name"), needed=False),
)
"""Allowed in every table, kept as text: people add a name beside the code, and remarks."""


def _some(name: str, kind: Kind, *aliases: str, default: str = "") -> Column:
    return Column(name, kind, aliases, needed=False, default=default)


def _counted(name: str, *aliases: str) -> Column:
    return Column(name, NUMBER, (*aliases, *_PERSON_WORDS))


_ALL = (
    Table(
        "counties",
        (
            Column("county", CODE, _AREA_WORDS),
            Column("name_zh", TEXT, ("名称", "县区", "县区名称", "中文名称")),
            Column("name_en", TEXT, ("英文名称",)),
            _some("parent", CODE, "上级代码", "上级区划代码"),
            _some("system", TEXT, "迁移系统"),
            _some("grid_row", WHOLE, "网格行"),
            _some("grid_col", WHOLE, "网格列"),
        ),
        key=("county",),
        areas=("parent",),
        needed=True,
        read_by=("region",),
    ),
    Table(
        "boundaries",
        (
            _YEAR,
            Column("code", CODE, ("代码", "当年代码")),
            _some("name_zh", TEXT, "名称", "当年名称"),
            Column("counties", TEXT, ("现行代码", "现属县区")),
        ),
        key=("year", "code"),
        areas=(),
        read_by=("population",),
    ),
    Table(
        "population",
        (
            _COUNTY,
            _YEAR,
            _some("date", DATE, "日期", "时点", default="12-31"),
            _SEX_OR_TOTAL,
            _AGE_OR_TOTAL,
            _counted("persons"),
            _SOME_UNIT,
        ),
        key=("county", "year", "sex", "age_group"),
        quantity="persons",
        units=("persons",),
        full_ages=("county", "year"),
        needed=True,
        read_by=("population",),
    ),
    Table(
        "births",
        (_COUNTY, _YEAR, _SOME_SEX, _SOME_AGE, _counted("persons", "births", "出生人数", "出生人口"), _SOME_UNIT),
        key=("county", "year", "sex", "age_group"),
        quantity="persons",
        units=("persons", "births"),
        read_by=("population", "backtest"),
    ),
    Table(
        "deaths",
        (_COUNTY, _YEAR, _SOME_SEX, _SOME_AGE, _counted("persons", "deaths", "死亡人数", "死亡人口"), _SOME_UNIT),
        key=("county", "year", "sex", "age_group"),
        quantity="persons",
        units=("persons", "deaths"),
        read_by=("population",),
    ),
    Table(
        "mortality",
        (_AREA, *_PERIOD, _SEX, _AGE, Column("mx", NUMBER, ("死亡率", "年龄别死亡率"))),
        key=("area", "year_start", "year_end", "sex", "age_group"),
        areas=("area",),
        full_ages=("area", "year_start", "year_end"),
        read_by=("population",),
    ),
    Table(
        "fertility",
        (_AREA, *_PERIOD, _AGE, _some("share", NUMBER, "占比", "生育率占比"), _some("asfr", NUMBER, "年龄别生育率")),
        key=("area", "year_start", "year_end", "age_group"),
        either=("share", "asfr"),
        areas=("area",),
        read_by=("population",),
    ),
    Table(
        "levels",
        (
            _AREA,
            _YEAR,
            _some("tfr", NUMBER, "总和生育率"),
            _some("srb", NUMBER, "出生性别比"),
            _some("e0_female", NUMBER, "女性平均预期寿命", "女性预期寿命"),
            _some("e0_male", NUMBER, "男性平均预期寿命", "男性预期寿命"),
            _some("births", NUMBER, "出生人数"),
        ),
        key=("area", "year"),
        either=("tfr", "srb", "e0_female", "e0_male", "births"),
        areas=("area",),
        read_by=("population",),
    ),
    Table(
        "migration",
        (_COUNTY, _YEAR, _SOME_SEX, _SOME_AGE, Column("net_migration", SIGNED, ("净迁移", "净迁入")), _SOME_UNIT),
        key=("county", "year", "sex", "age_group"),
        quantity="net_migration",
        units=("persons",),
    ),
    Table(
        "enrolment",
        (
            _COUNTY,
            _YEAR,
            Column("stage", Kind("stage", one_of(_STAGE), "str"), ("学段",)),
            _some("grade", Kind("grade", one_of(_GRADE), "str"), "年级", default="all"),
            _some("item", Kind("item", one_of(COUNTED), "str"), "指标", "项目", default="pupils"),
            Column("value", NUMBER, ("在校生数", "在校生", "pupils", "数值", "人数")),
            _UNIT,
            _some("hukou", PART, "户籍状况"),
        ),
        key=("county", "year", "stage", "grade", "item", "hukou"),
        quantity="value",
        units=("pupils", "persons"),
        read_by=("demand", "backtest"),
    ),
    Table(
        "facilities",
        (
            Column("id", TEXT, ("编号", "机构编号")),
            _COUNTY,
            _SERVICE,
            Column("capacity", NUMBER, _CAPACITY_WORDS),
            Column("opened", YEAR, ("开办年份", "启用年份")),
            _some("closes", YEAR, "停办年份"),
            _some("owner", TEXT, "举办者", "性质"),
            _some("floor_m2", NUMBER, "建筑面积"),
            _some("land_m2", NUMBER, "占地面积"),
            _some("convertible_to", TEXT, "可改作"),
            _some("kind", TEXT, "类型"),
            _some("lon", SIGNED, "经度"),
            _some("lat", SIGNED, "纬度"),
            _SOME_UNIT,
        ),
        key=("id",),
        quantity="capacity",
        units=("places", "beds"),
        unit_by=_BY_SERVICE,
    ),
    Table(
        "supply",
        (
            _COUNTY,
            _YEAR,
            _SERVICE,
            Column("capacity", NUMBER, _CAPACITY_WORDS),
            _UNIT,
            _some("kind", Kind("kind", one_of(SUPPLY_KINDS), "str"), "口径", "来源类别", "供给口径"),
        ),
        key=("county", "year", "service"),
        quantity="capacity",
        units=("places", "beds"),
        unit_by=_BY_SERVICE,
        read_by=("supply", "report"),
    ),
    Table(
        "projects",
        (
            _COUNTY,
            _YEAR,
            _SERVICE,
            Column("capacity", SIGNED, ("新增容量", "增减", *_CAPACITY_WORDS)),
            _UNIT,
            Column("name", PART, ("项目名称", "名称")),
        ),
        key=("county", "year", "service", "name"),
        quantity="capacity",
        units=("places", "beds"),
        unit_by=_BY_SERVICE,
        read_by=("supply", "report"),
    ),
    Table(
        "staff",
        (_COUNTY, _YEAR, _ANY_SERVICE, _ITEM, _VALUE, _OPEN_UNIT),
        key=("county", "year", "service", "item"),
        quantity="value",
        read_by=("findings",),
    ),
    Table(
        "schools",
        (_COUNTY, _YEAR, _ANY_SERVICE, _ITEM, _VALUE, _OPEN_UNIT),
        key=("county", "year", "service", "item"),
        quantity="value",
        read_by=("demand",),
    ),
    Table(
        "finance",
        (_COUNTY, _YEAR, _ITEM, Column("yuan", SIGNED, ("金额", "元")), _SOME_UNIT),
        key=("county", "year", "item"),
        quantity="yuan",
        units=("yuan",),
    ),
    Table(
        "neighbours",
        (
            Column("county_a", CODE, ("县区甲", "甲代码")),
            Column("county_b", CODE, ("县区乙", "乙代码")),
            _some("minutes", NUMBER, "分钟", "车程分钟"),
            _some("seat_km", NUMBER, "驻地距离", "公里", "km"),
            _some("centroid_km", NUMBER, "中心距离"),
            _some("land_adjacent", FLAG, "陆地相邻"),
            _some("sea_adjacent", FLAG, "海上相邻"),
        ),
        key=("county_a", "county_b"),
        either=("minutes", "seat_km", "centroid_km"),
        areas=("county_a", "county_b"),
        read_by=("findings",),
    ),
    Table(
        "controls",
        (
            _AREA,
            _YEAR,
            Column("component", Kind("component", one_of(COMPONENTS), "str"), ("指标", "项目")),
            Column("value", NUMBER, ("数值", "值", "persons", "人数")),
            _UNIT,
        ),
        key=("area", "year", "component"),
        quantity="value",
        units=("persons", "1"),
        unit_by=("component", _UNIT_OF_COMPONENT),
        areas=("area",),
        read_by=("region", "report"),
    ),
    Table(
        "targets",
        (
            _AREA,
            _YEAR,
            _some("indicator_no", TEXT, "序号", "指标序号"),
            Column("indicator_zh", TEXT, ("指标", "指标名称")),
            _some("indicator_en", TEXT, "指标英文名称"),
            Column("value", NUMBER, ("目标值", "数值", "值")),
            _OPEN_UNIT,
        ),
        key=("area", "year", "indicator_no", "indicator_zh"),
        quantity="value",
        areas=("area",),
    ),
    Table(
        "registered",
        (_COUNTY, _YEAR, _SEX_OR_TOTAL, _AGE_OR_TOTAL, _counted("persons", "户籍人口"), _SOME_UNIT),
        key=("county", "year", "sex", "age_group"),
        quantity="persons",
        units=("persons",),
        full_ages=("county", "year"),
    ),
    Table(
        "registered_elsewhere",
        (
            _COUNTY,
            _YEAR,
            Column("origin", Kind("origin", one_of(ORIGINS), "str"), ("户口登记地", "来源")),
            _counted("persons"),
            _SOME_UNIT,
        ),
        key=("county", "year", "origin"),
        quantity="persons",
        units=("persons",),
        read_by=("population",),
    ),
    Table(
        "special_population",
        (_COUNTY, _YEAR, Column("kind", PART, ("类型",)), _SEX, _AGE, _counted("persons"), _SOME_UNIT),
        key=("county", "year", "kind", "sex", "age_group"),
        quantity="persons",
        units=("persons",),
        read_by=("population", "report"),
    ),
    Table(
        "households",
        (_COUNTY, _YEAR, _some("size", WHOLE, "户规模"), Column("households", NUMBER, ("户数", "家庭户")), _SOME_UNIT),
        key=("county", "year", "size"),
        quantity="households",
        units=("households",),
    ),
    Table(
        "monthly_births",
        (_COUNTY, _YEAR, Column("month", WHOLE, ("月份", "月")), _counted("births", "出生人数"), _SOME_UNIT),
        key=("county", "year", "month"),
        quantity="births",
        units=("persons", "births"),
    ),
    Table(
        "dwellings",
        (_COUNTY, _YEAR, Column("dwellings", NUMBER, ("住宅套数", "套数"))),
        key=("county", "year"),
    ),
    Table(
        "flows",
        (
            _SERVICE,
            Column("from", CODE, ("来源地", "居住地代码")),
            Column("to", CODE, ("去向地", "服务地代码")),
            _YEAR,
            Column("share", NUMBER, ("占比", "比例")),
        ),
        key=("service", "from", "to", "year"),
        areas=("from", "to"),
        read_by=("demand",),
    ),
    Table(
        "sources",
        (
            Column("table", TEXT, ("表", "表名")),
            Column("filter", TEXT, ("筛选", "筛选条件"), blank=True),
            Column("source", TEXT, ("来源", "资料来源")),
            Column("locator", TEXT, ("出处", "位置"), blank=True),
            Column("basis", Kind("basis", one_of(BASIS_WORDS), "str"), ("依据", "性质")),
            _some("verification", TEXT, "核实情况"),
        ),
        key=("table", "filter"),
        areas=(),
        needed=True,
        read_by=("region", "report"),
    ),
)

TABLES: Mapping[str, Table] = {table.name: replace(table, columns=table.columns + _FREE) for table in _ALL}
"""Every table by name, in the order in which a planner would fill them in."""


def tables_with(own: Mapping[str, Service]) -> Mapping[str, Table]:
    """`TABLES` that know a region's own services as well as the shipped ones."""
    known = {**services(), **own}
    column, units = _service_column(known), _unit_of_service(known)
    return {
        name: replace(
            table,
            columns=tuple(column if shipped is _SERVICE else shipped for shipped in table.columns),
            unit_by=units if table.unit_by is _BY_SERVICE else table.unit_by,
        )
        for name, table in TABLES.items()
    }


PATTERN_TABLES = ("mortality", "fertility", "levels")
"""What a pattern (data/patterns/<id>) brings where the region has no table of its own."""
