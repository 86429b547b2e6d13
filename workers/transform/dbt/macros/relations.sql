{# Views must not name the database: on DuckDB that is the file's name, and a file that is copied or renamed would have
   views that lead nowhere. Every connection has its database, here and on Snowflake. #}

{% macro ref() %}
    {{ return(builtins.ref(*varargs, **kwargs).include(database=false)) }}
{% endmacro %}

{% macro source() %}
    {{ return(builtins.source(*varargs, **kwargs).include(database=false)) }}
{% endmacro %}
