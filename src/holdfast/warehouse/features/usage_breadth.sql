-- Usage: which features, how many of them, and which came and went.
--
-- In: spot, feature_window, key_feature, covered, item_now. Out: usage_breadth
--
-- features_used_28d | features | - | + | Features used in the last 28 days.
-- features_used_84d | features | - | + | Features used in the last 84 days.
-- features_dropped_28d | features | + | - | Features used in the 84 days before the last 28, and not in the last 28.
-- features_adopted_28d | features | - | + | Features used in the last 28 days that were not used in the 154 days before.
-- features_falling_28d | features | + | - | Features used per week less than half as much in the last 28 days as in the 84 days before.
-- features_rising_28d | features | - | + | Features used per week more than half as much again in the last 28 days as in the 84 days before.
-- feature_breadth_84d | share | - | + | Share of the features that any account used in the last 84 days which this one used.
-- feature_concentration_28d | share | + | 0 | How far the last 28 days' events lie on one feature: the sum of squared shares, 1 is all on one.
-- key_feature_share_28d | share | 0 | 0 | Share of the last 28 days' events in the key feature, the one used most in the 84 days before.
-- key_feature_trend_4w_12w | ratio | - | + | Events per week in the key feature, last 4 weeks ÷ last 12.
-- key_feature_dropped | flag | + | - | Whether the key feature was not used at all in the last 28 days.
-- paid_features_used_share | share | - | + | Share of the products paid for whose name is a tracked feature that were used in the last 28 days.
-- paid_features_unused | features | + | - | Products paid for whose name is a tracked feature and that were not used in the last 28 days.
create or replace temp table usage_breadth as
with summed as (
    select
        who_no,
        as_of,
        count(*) filter (events_4 > 0) as used_4,
        count(*) filter (events_12 > 0) as used_12,
        count(*) filter (events_4 = 0 and events_before > 0) as dropped,
        count(*) filter (events_4 > 0 and events_before + events_long_before = 0) as adopted,
        count(*) filter (events_before > 0 and events_4 / known_4 < 0.5 * events_before / known_before) as falling,
        count(*) filter (events_before > 0 and events_4 / known_4 > 1.5 * events_before / known_before) as rising,
        sum(events_4) as all_4,
        sum(events_4 * events_4) as squares,
        sum(events_4) filter (feature = key_name) as key_4,
        sum(events_12) filter (feature = key_name) as key_12,
        any_value(key_name) as key_name
    from feature_window
    left join (select who_no, as_of, feature as key_name from key_feature) using (who_no, as_of)
    join covered using (as_of)
    group by who_no, as_of
),
there as (
    select as_of, count(distinct feature) as features from feature_window where events_12 > 0 group by as_of
),
tracked as (
    select distinct as_of, feature, regexp_replace(lower(feature), '[^a-z0-9]', '', 'g') as name from feature_window
),
paid as (
    select who_no, as_of, tracked.feature
    from item_now join tracked using (as_of)
    where name in (regexp_replace(lower(product_id), '[^a-z0-9]', '', 'g'), regexp_replace(lower(plan_id), '[^a-z0-9]', '', 'g'))
    group by all
),
of_paid as (
    select who_no, as_of, count(*) as paid, count(*) filter (events_4 > 0) as used
    from paid left join feature_window using (who_no, as_of, feature)
    group by who_no, as_of
)
select
    spot.who_no,
    spot.as_of,
    case when is_known_4 then coalesce(used_4, 0) end as features_used_28d,
    case when is_known_12 then coalesce(used_12, 0) end as features_used_84d,
    case when is_known_4 and whole_before > 0 then coalesce(dropped, 0) end as features_dropped_28d,
    case when is_known_4 and whole_26 = 26 then coalesce(adopted, 0) end as features_adopted_28d,
    case when is_known_4 and known_before > 3 then coalesce(falling, 0) end as features_falling_28d,
    case when is_known_4 and known_before > 3 then coalesce(rising, 0) end as features_rising_28d,
    case when is_known_12 then coalesce(used_12, 0) / nullif(features, 0)::double end as feature_breadth_84d,
    case when is_known_4 and all_4 > 0 then squares / (all_4 * all_4) end as feature_concentration_28d,
    case when is_known_4 and key_name is not null and all_4 > 0 then key_4 / all_4 end as key_feature_share_28d,
    case when is_known_4 and is_known_12 and key_12 > 0 then (key_4 / known_4) / (key_12 / known_12) end as key_feature_trend_4w_12w,
    case when is_known_4 and key_name is not null then (key_4 = 0)::integer end as key_feature_dropped,
    case when is_known_4 then coalesce(of_paid.used, 0) / of_paid.paid::double end as paid_features_used_share,
    case when is_known_4 then of_paid.paid - of_paid.used end as paid_features_unused
from spot
left join (
    select
        *, whole_4 = 4 and known_4 > 1 and features is not null as is_known_4,
        whole_12 = 12 and known_12 > 3 and features is not null as is_known_12
    from covered left join there using (as_of)
) as covered using (as_of)
-- an account none of whose features was tracked in the last 26 weeks is not known
join summed on summed.who_no = spot.who_no and summed.as_of = spot.as_of
left join of_paid on of_paid.who_no = spot.who_no and of_paid.as_of = spot.as_of;
