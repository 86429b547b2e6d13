{#
  Prints the models the warehouse does not hold yet, as `missing_models: ["…"]`.
  A load builds the children of its own source only; in a new warehouse, or after a model was added, these children
  read from tables nobody has built. Whoever runs dbt adds these names to the selection.
#}
{% macro missing_models() %}
    {% set missing = [] %}
    {% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') %}
        {% if node.config.enabled and node.config.materialized != 'ephemeral'
              and not adapter.get_relation(node.database, node.schema, node.alias) %}
            {% do missing.append(node.unique_id) %}
        {% endif %}
    {% endfor %}
    {% do print('missing_models: ' ~ tojson(missing | sort)) %}
{% endmacro %}
