{# Columns stand with their table where an alias has their name: Snowflake might take the one for the other. #}
with batches as (
    select
        b.material_id,
        count(*) as batch_count,
        count(case when b.batch_status in ('QUARANTINED', 'REJECTED') then 1 end) as blocked_batch_count,
        sum(b.quantity_produced) as quantity_produced,
        sum(case when b.quantity_produced is not null then coalesce(b.quantity_rejected, 0) end) as quantity_rejected,
        sum(b.quantity_good) as quantity_good,
        sum(b.scrap_cost) as scrap_cost,
        {{ mean('b.cycle_time_minutes') }} as avg_cycle_time_minutes,
        {{ median_of('b.cycle_time_minutes') }} as median_cycle_time_minutes,
        min(b.production_date) as first_production_date,
        max(b.production_date) as last_production_date,
        {{ load_ids('b.load_id') }} as batch_load_ids
    from {{ ref('core_fct_batch_output') }} as b
    group by 1
),

orders as (
    select
        o.material_id,
        count(*) as order_count,
        count(case when o.is_on_time is not null then 1 end) as finished_order_count,
        count(case when o.is_on_time then 1 end) as on_time_order_count,
        {{ load_ids('o.load_id') }} as order_load_ids
    from {{ ref('core_production_orders') }} as o
    where o.order_status <> 'CANCELLED'
    group by 1
)

select
    m.material_id,
    m.material_name,
    m.material_type,
    m.unit_of_measure,
    m.standard_cost,
    m.currency,
    coalesce(b.batch_count, 0) as batch_count,
    coalesce(b.blocked_batch_count, 0) as blocked_batch_count,
    coalesce(b.quantity_produced, 0) as quantity_produced,
    coalesce(b.quantity_rejected, 0) as quantity_rejected,
    coalesce(b.quantity_good, 0) as quantity_good,
    {{ ratio('b.quantity_good', 'b.quantity_produced') }} as yield_rate,
    {{ ratio('b.quantity_rejected', 'b.quantity_produced') }} as scrap_rate,
    b.scrap_cost,
    b.avg_cycle_time_minutes,
    b.median_cycle_time_minutes,
    b.first_production_date,
    b.last_production_date,
    coalesce(o.order_count, 0) as order_count,
    {{ ratio('o.on_time_order_count', 'o.finished_order_count') }} as schedule_adherence,
    m.load_id,
    m.source_file,
    m.source_row,
    b.batch_load_ids,
    o.order_load_ids
from {{ ref('core_materials') }} as m
left join batches as b on m.material_id = b.material_id
left join orders as o on m.material_id = o.material_id
