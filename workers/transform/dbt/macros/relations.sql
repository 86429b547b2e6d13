{# On DuckDB views must not name the database: that is the file's name there, and a file that is copied or renamed would
   have views that lead nowhere. On Snowflake they name it, because what a name without it means depends on the session. #}

{% macro ref() %}
    {{ return(without_database(builtins.ref(*varargs, **kwargs))) }}
{% endmacro %}

{% macro source() %}
    {{ return(without_database(builtins.source(*varargs, **kwargs))) }}
{% endmacro %}

{% macro without_database(relation) %}
    {{ return(relation.include(database=false) if target.type == 'duckdb' else relation) }}
{% endmacro %}
