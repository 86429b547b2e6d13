{# Columns stand with their table where an alias has their name: Snowflake might take the one for the other. #}
with batches as (
    select
        b.production_date,
        b.plant,
        b.line,
        count(*) as batch_count,
        count(case when b.batch_status = 'RELEASED' then 1 end) as released_batch_count,
        count(case when b.batch_status = 'QUARANTINED' then 1 end) as quarantined_batch_count,
        count(case when b.batch_status = 'REJECTED' then 1 end) as rejected_batch_count,
        sum(b.quantity_produced) as quantity_produced,
        -- Only beside a known produced quantity, so that the two rates below add up to one.
        sum(case when b.quantity_produced is not null then coalesce(b.quantity_rejected, 0) end) as quantity_rejected,
        sum(b.quantity_good) as quantity_good,
        sum(b.cycle_time_minutes) as run_time_minutes,
        {{ mean('b.cycle_time_minutes') }} as avg_cycle_time_minutes,
        {{ load_ids('b.load_id') }} as load_ids
    from {{ ref('core_fct_batch_output') }} as b
    where b.production_date is not null
    group by 1, 2, 3
),

orders as (
    select
        cast(date_trunc('day', o.actual_end) as date) as production_date,
        coalesce(o.plant, 'UNKNOWN') as plant,
        coalesce(o.line, 'UNKNOWN') as line,
        count(*) as finished_order_count,
        count(case when o.is_on_time then 1 end) as on_time_order_count,
        {{ mean('o.end_delay_minutes') }} as avg_order_delay_minutes,
        {{ load_ids('o.load_id') }} as order_load_ids
    from {{ ref('core_production_orders') }} as o
    where o.order_status = 'COMPLETED' and o.actual_end is not null
    group by 1, 2, 3
)

select
    {{ date_text('coalesce(b.production_date, o.production_date)') }}
        || '|' || coalesce(b.plant, o.plant)
        || '|' || coalesce(b.line, o.line) as daily_kpi_key,
    coalesce(b.production_date, o.production_date) as production_date,
    coalesce(b.plant, o.plant) as plant,
    coalesce(b.line, o.line) as line,
    coalesce(b.batch_count, 0) as batch_count,
    coalesce(b.released_batch_count, 0) as released_batch_count,
    coalesce(b.quarantined_batch_count, 0) as quarantined_batch_count,
    coalesce(b.rejected_batch_count, 0) as rejected_batch_count,
    coalesce(b.quantity_produced, 0) as quantity_produced,
    coalesce(b.quantity_rejected, 0) as quantity_rejected,
    coalesce(b.quantity_good, 0) as quantity_good,
    {{ ratio('b.quantity_good', 'b.quantity_produced') }} as yield_rate,
    {{ ratio('b.quantity_rejected', 'b.quantity_produced') }} as scrap_rate,
    coalesce(b.run_time_minutes, 0) as run_time_minutes,
    b.avg_cycle_time_minutes,
    coalesce(o.finished_order_count, 0) as finished_order_count,
    coalesce(o.on_time_order_count, 0) as on_time_order_count,
    {{ ratio('o.on_time_order_count', 'o.finished_order_count') }} as schedule_adherence,
    o.avg_order_delay_minutes,
    b.load_ids,
    o.order_load_ids
from batches as b
full outer join orders as o
    on b.production_date = o.production_date and b.plant = o.plant and b.line = o.line
