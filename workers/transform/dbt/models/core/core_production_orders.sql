select
    o.production_order_id,
    o.material_id,
    m.material_name,
    m.material_type,
    m.material_id is not null as is_material_known,
    o.plant,
    o.line,
    o.planned_quantity,
    o.actual_quantity,
    o.planned_start,
    o.planned_end,
    o.actual_start,
    o.actual_end,
    o.order_status,
    o.priority,
    {{ ratio('o.actual_quantity', 'o.planned_quantity') }} as quantity_adherence,
    {{ minutes_between('o.planned_start', 'o.actual_start') }} as start_delay_minutes,
    {{ minutes_between('o.planned_end', 'o.actual_end') }} as end_delay_minutes,
    case when o.actual_end >= o.actual_start then {{ minutes_between('o.actual_start', 'o.actual_end') }} end
        as duration_minutes,
    -- Null while either end is open: an order that is not over is neither on time nor late.
    o.actual_end <= o.planned_end as is_on_time,
    o.load_id,
    o.source_file,
    o.source_row,
    o.loaded_at,
    m.load_id as material_load_id
from {{ ref('stg_production_orders') }} as o
left join {{ ref('core_materials') }} as m on o.material_id = m.material_id
