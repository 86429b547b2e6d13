{# STAGING, CORE and MARTS exactly: no prefix, and upper-case, as the RAW schemas are on every warehouse. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim | upper }}
{%- endmacro %}
