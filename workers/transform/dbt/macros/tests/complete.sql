{# Rows in which one of the columns is null: one pass over the table, where not_null makes one for each column. #}
{% test complete(model, columns) %}
select *
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
