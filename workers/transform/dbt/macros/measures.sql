{# part / whole; null where there is no whole, never a division by zero. #}
{% macro ratio(part, whole) -%}
    cast({{ part }} as double) / nullif(cast({{ whole }} as double), 0)
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
