with cleaned as (
    select
        {{ code('material_id') }} as material_id,
        {{ text('material_name') }} as material_name,
        {{ code('material_type') }} as material_type,
        {{ code('unit_of_measure') }} as unit_of_measure,
        {{ typed('standard_cost', 'decimal(15, 4)') }} as standard_cost,
        {{ code('currency') }} as currency,
        {{ code('supplier_id') }} as supplier_id,
        -- An integer has 38 digits on Snowflake and 10 on DuckDB.
        cast({{ typed('lead_time_days', 'decimal(9, 0)') }} as integer) as lead_time_days,
        {{ moment('created_at') }} as created_at,
        {{ lineage() }}
    from {{ source('raw', 'materials') }}
)

select *
from cleaned
{{ latest_row_per('material_id') }}
