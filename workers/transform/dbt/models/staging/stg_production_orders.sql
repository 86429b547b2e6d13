with cleaned as (
    select
        {{ code('production_order_id') }} as production_order_id,
        {{ code('material_id') }} as material_id,
        {{ code('plant') }} as plant,
        {{ code('line') }} as line,
        {{ typed('planned_quantity', 'decimal(15, 3)') }} as planned_quantity,
        {{ typed('actual_quantity', 'decimal(15, 3)') }} as actual_quantity,
        {{ typed('planned_start', 'timestamp') }} as planned_start,
        {{ typed('planned_end', 'timestamp') }} as planned_end,
        {{ typed('actual_start', 'timestamp') }} as actual_start,
        {{ typed('actual_end', 'timestamp') }} as actual_end,
        {{ code('order_status') }} as order_status,
        {{ code('priority') }} as priority,
        {{ lineage() }}
    from {{ source('raw', 'production_orders') }}
)

select *
from cleaned
{{ latest_row_per('production_order_id') }}
