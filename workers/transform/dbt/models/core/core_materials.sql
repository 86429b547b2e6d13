select
    material_id,
    coalesce(material_name, material_id) as material_name,
    coalesce(material_type, 'UNKNOWN') as material_type,
    unit_of_measure,
    -- A negative cost is a typing error at the source; calculating with it would turn scrap into profit.
    case when standard_cost >= 0 then standard_cost end as standard_cost,
    currency,
    supplier_id,
    case when lead_time_days >= 0 then lead_time_days end as lead_time_days,
    created_at,
    load_id,
    source_file,
    source_row,
    loaded_at
from {{ ref('stg_materials') }}
