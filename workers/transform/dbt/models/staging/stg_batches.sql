with cleaned as (
    select
        {{ code('batch_id') }} as batch_id,
        {{ code('production_order_id') }} as production_order_id,
        {{ code('material_id') }} as material_id,
        {{ code('plant') }} as plant,
        {{ code('line') }} as line,
        {{ code('shift') }} as shift,
        {{ typed('quantity_produced', 'decimal(15, 3)') }} as quantity_produced,
        {{ typed('quantity_rejected', 'decimal(15, 3)') }} as quantity_rejected,
        {{ moment('start_time') }} as start_time,
        {{ moment('end_time') }} as end_time,
        {{ code('status') }} as batch_status,
        {{ code('operator_id') }} as operator_id,
        {{ typed('temperature_c_avg', 'decimal(9, 4)') }} as temperature_c_avg,
        {{ typed('pressure_bar_avg', 'decimal(9, 4)') }} as pressure_bar_avg,
        {{ text('remarks') }} as remarks,
        {{ lineage() }}
    from {{ source('raw', 'batches') }}
)

select *
from cleaned
{{ latest_row_per('batch_id') }}
