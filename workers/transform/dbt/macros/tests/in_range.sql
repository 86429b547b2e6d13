{# Rows whose value lies outside [at_least, at_most]; null passes, not_null is a test of its own. #}
{% test in_range(model, column_name, at_least, at_most) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ at_least }} or {{ column_name }} > {{ at_most }}
{% endtest %}
