{# RAW delivers text as it stood in the file. These turn it into what people mean by it. #}

{# Text without surrounding blanks; nothing at all is null. #}
{% macro text(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{# Identifiers and code lists: also upper-case, so that `rel-1` and `REL-1 ` are one. #}
{% macro code(column) -%}
    upper(nullif(trim({{ column }}), ''))
{%- endmacro %}

{# A value of another type; text that is none becomes null rather than failing the whole build. #}
{% macro typed(column, type) -%}
    try_cast(nullif(trim({{ column }}), '') as {{ type }})
{%- endmacro %}

{# A date, or a date and a time: what the clock at the plant showed. An offset behind it is read and left out. #}
{% macro moment(column) -%}
    {{ adapter.dispatch('moment')(column) }}
{%- endmacro %}

{% macro duckdb__moment(column) -%}
    {{ typed(column, 'timestamp') }}
{%- endmacro %}

{#
  Snowflake alone would take more for a time than DuckDB does, a bare number for one (seconds since 1970), and an account
  may say what `timestamp` means: hence the pattern, which is what DuckDB reads, and the type's full name. In SQL strings
  of Snowflake a backslash needs another one; the pattern has none.
#}
{% macro default__moment(column) -%}
    {%- set text = "replace(trim(" ~ column ~ "), '/', '-')" -%}
    try_cast(case when regexp_like({{ text }}, '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?)?$') then {{ text }} end as timestamp_ntz(6))
{%- endmacro %}

{# Where a row came from, carried unchanged into CORE and MARTS. #}
{% macro lineage() -%}
    load_id as load_id,
        source_file as source_file,
        source_row as source_row,
        loaded_at as loaded_at
{%- endmacro %}

{# One row per key: of several the later one wins, by load time, then file, then line. #}
{% macro latest_row_per(key) -%}
    where {{ key }} is not null
qualify row_number() over (
    partition by {{ key }}
    order by loaded_at desc, source_file desc, source_row desc
) = 1
{%- endmacro %}
