with cleaned as (
    select
        {{ code('material_id') }} as material_id,
        {{ text('material_name') }} as material_name,
        {{ code('material_type') }} as material_type,
        {{ code('unit_of_measure') }} as unit_of_measure,
        {{ typed('standard_cost', 'decimal(15, 4)') }} as standard_cost,
        {{ code('currency') }} as currency,
        {{ code('supplier_id') }} as supplier_id,
        {{ typed('lead_time_days', 'integer') }} as lead_time_days,
        {{ typed('created_at', 'timestamp') }} as created_at,
        {{ lineage() }}
    from {{ source('raw', 'materials') }}
)

select *
from cleaned
{{ latest_row_per('material_id') }}
