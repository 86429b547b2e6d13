with cleaned as (
    select
        {{ code('production_order_id') }} as production_order_id,
        {{ code('material_id') }} as material_id,
        {{ code('plant') }} as plant,
        {{ code('line') }} as line,
        {{ typed('planned_quantity', 'decimal(15, 3)') }} as planned_quantity,
        {{ typed('actual_quantity', 'decimal(15, 3)') }} as actual_quantity,
        {{ moment('planned_start') }} as planned_start,
        {{ moment('planned_end') }} as planned_end,
        {{ moment('actual_start') }} as actual_start,
        {{ moment('actual_end') }} as actual_end,
        {{ code('order_status') }} as order_status,
        {{ code('priority') }} as priority,
        {{ lineage() }}
    from {{ source('raw', 'production_orders') }}
)

select *
from cleaned
{{ latest_row_per('production_order_id') }}
