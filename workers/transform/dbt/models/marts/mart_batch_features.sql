{# Snowflake has no `window` clause that names one. #}
{% set of_line = 'partition by b.plant, b.line order by b.start_time, b.batch_id' %}
{% set last_10 = of_line ~ ' rows between 10 preceding and 1 preceding' %}

with typical as (
    select
        b.plant,
        b.line,
        {{ mean('b.temperature_c_avg') }} as temperature_c,
        {{ mean('b.pressure_bar_avg') }} as pressure_bar
    from {{ ref('core_batches') }} as b
    group by 1, 2
),

history as (
    select
        b.*,
        -- Only batches before this one: what a model could have known when it started.
        lag(b.end_time) over ({{ of_line }}) as previous_end_time,
        sum(b.quantity_produced - b.quantity_good) over ({{ last_10 }}) as rejected_last_10,
        sum(b.quantity_produced) over ({{ last_10 }}) as produced_last_10,
        row_number() over ({{ of_line }}) - 1 as line_batches_before
    from {{ ref('core_batches') }} as b
)

select
    h.batch_id,
    h.plant,
    h.line,
    coalesce(h.shift, 'UNKNOWN') as shift,
    coalesce(h.material_id, 'UNKNOWN') as material_id,
    coalesce(h.material_type, 'UNKNOWN') as material_type,
    coalesce(h.order_priority, 'UNKNOWN') as order_priority,
    h.start_time,
    coalesce(extract(hour from h.start_time), -1) as start_hour,
    coalesce({{ weekday('h.start_time') }}, -1) as start_weekday,
    coalesce(cast(h.order_planned_quantity as double), 0) as order_planned_quantity,
    coalesce(cast(h.standard_cost as double), 0) as standard_cost,
    coalesce(h.lead_time_days, 0) as lead_time_days,
    coalesce(cast(h.temperature_c_avg as double), t.temperature_c, 0) as temperature_c_avg,
    h.temperature_c_avg is null as is_temperature_imputed,
    coalesce(cast(h.pressure_bar_avg as double), t.pressure_bar, 0) as pressure_bar_avg,
    h.pressure_bar_avg is null as is_pressure_imputed,
    h.line_batches_before as line_batches_before,
    coalesce({{ ratio('h.rejected_last_10', 'h.produced_last_10') }}, 0) as line_scrap_rate_last_10,
    coalesce(cast({{ minutes_between('h.previous_end_time', 'h.start_time') }} as double), 0) as idle_minutes_before,
    h.is_order_known,
    h.is_material_known,
    cast(h.cycle_time_minutes as double) as target_cycle_time_minutes,
    h.scrap_rate as target_scrap_rate,
    case
        when h.batch_status in ('QUARANTINED', 'REJECTED') then true
        when h.batch_status = 'RELEASED' then false
    end as target_is_blocked,
    h.load_id,
    h.source_file,
    h.source_row
from history as h
left join typical as t on h.plant = t.plant and h.line = t.line
