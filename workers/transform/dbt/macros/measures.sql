{# part / whole; null where there is no whole, never a division by zero. #}
{% macro ratio(part, whole) -%}
    cast({{ part }} as double) / nullif(cast({{ whole }} as double), 0)
{%- endmacro %}

{#
  The mean; null where there is nothing to take it of. Not `avg`: of decimals that is a float here and a decimal of some
  digits there. A sum of decimals is the same everywhere, and so is one division.
#}
{% macro mean(column) -%}
    {{ ratio('sum(' ~ column ~ ')', 'count(' ~ column ~ ')') }}
{%- endmacro %}

{# The median of decimals of four digits: of two in the middle, the mean, which has one digit more. #}
{% macro median_of(column) -%}
    cast(median(cast({{ column }} as double)) as decimal(18, 5))
{%- endmacro %}

{# 0 is Monday. Snowflake's other weekdays begin where the account's WEEK_START says. #}
{% macro weekday(column) -%}
    {{ adapter.dispatch('weekday')(column) }}
{%- endmacro %}

{% macro default__weekday(column) -%}
    dayofweekiso({{ column }}) - 1
{%- endmacro %}

{% macro duckdb__weekday(column) -%}
    isodow({{ column }}) - 1
{%- endmacro %}

{# A date as text, 2026-11-23. A cast would write it as the account's DATE_OUTPUT_FORMAT says. #}
{% macro date_text(column) -%}
    {{ adapter.dispatch('date_text')(column) }}
{%- endmacro %}

{% macro default__date_text(column) -%}
    to_char({{ column }}, 'YYYY-MM-DD')
{%- endmacro %}

{% macro duckdb__date_text(column) -%}
    strftime({{ column }}, '%Y-%m-%d')
{%- endmacro %}

{#
  Minutes from one timestamp to another, to the second; negative if it went backwards, null if one is missing.
  A decimal, because sums of floats depend on the order in which threads meet the rows, and a rebuild of the same rows
  must give the same table.
#}
{% macro minutes_between(first, last) -%}
    cast(datediff('second', {{ first }}, {{ last }}) / 60.0 as decimal(18, 4))
{%- endmacro %}

{# The distinct LOAD_IDs behind an aggregate, sorted, so that the same loads give the same text. #}
{% macro load_ids(column) -%}
    {{ adapter.dispatch('load_ids')(column) }}
{%- endmacro %}

{% macro default__load_ids(column) -%}
    listagg(distinct {{ column }}, ' | ') within group (order by {{ column }})
{%- endmacro %}

{# DuckDB knows `within group`, but not together with `distinct`. #}
{% macro duckdb__load_ids(column) -%}
    listagg(distinct {{ column }}, ' | ' order by {{ column }})
{%- endmacro %}

{# A 64-bit fingerprint of the given columns, as text because warehouses disagree about its sign. #}
{% macro row_hash(columns) -%}
    cast(hash({{ columns | join(', ') }}) as varchar)
{%- endmacro %}
