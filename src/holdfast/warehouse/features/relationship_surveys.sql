-- Relationship: what people answer, and silence, which counts 30 days after a survey was sent.
--
-- In: spot, known_survey, since. Out: relationship_surveys
--
-- nps | points | - | + | The last answer to an NPS survey, 0 to 10.
-- nps_mean_365d | points | - | + | Mean of the NPS answers of the last 365 days.
-- nps_change | points | - | + | The last NPS answer less the one before it.
-- nps_against_book | points | - | + | The last NPS answer less the median of all paying accounts.
-- nps_age_days | days | + | 0 | Days since the last NPS answer.
-- promoters_365d | count | - | + | NPS answers of 9 or 10 in the last 365 days.
-- detractors_365d | count | + | - | NPS answers of 6 or less in the last 365 days.
-- surveys_unanswered_365d | count | 0 | 0 | Surveys sent in the last 365 days and not answered within 30 days.
-- survey_answer_share_365d | share | - | + | Share of the surveys sent 30 to 395 days ago that were answered.
-- survey_silence_in_a_row | count | + | - | Surveys without answer for 30 days, sent since the last answer, at most those of two years.
-- survey_answer_days_365d | days | + | 0 | Mean days from sending to answer, answers of the last 365 days.
-- days_since_survey | days | 0 | 0 | Days since a survey was sent.
-- csat_365d | points | - | + | Mean answer to satisfaction surveys in the last 365 days.
-- csat_change_180d | points | - | + | Mean answer to satisfaction surveys of the last 180 days less that of the 180 days before.
-- effort_365d | points | 0 | 0 | Mean answer to effort surveys in the last 365 days.
-- comment_tone_365d | points | - | + | Mean tone of the comments to surveys of the last 365 days, −1 (angry) to +1 (kind).
create or replace temp table relationship_surveys as
with told as (
    select
        spot.who_no, spot.as_of, survey.* exclude (who_no, answered_on, score, tone),
        case when answered_on <= spot.as_of then answered_on end as answered_on,
        case when answered_on <= spot.as_of then score end as score,
        case when answered_on <= spot.as_of then tone end as tone,
        sent_on <= spot.as_of - 30 and (answered_on is null or answered_on > spot.as_of) as is_silent
    from spot join known_survey as survey on survey.who_no = spot.who_no and survey.sent_on <= spot.as_of
),
answer as (
    select who_no, as_of, score, answered_on, row_number() over (partition by who_no, as_of order by answered_on desc, response_id desc) as nth
    from told
    where kind = 'nps' and score is not null
),
last_two as (
    select
        who_no, as_of, max(score) filter (nth = 1) as nps, max(answered_on) filter (nth = 1) as nps_on, max(score) filter (nth = 2) as nps_before
    from answer
    where nth <= 2
    group by who_no, as_of
),
book as (
    select as_of, median(nps) as nps from last_two group by as_of having count(*) >= 5
),
summed as (
    select
        who_no,
        as_of,
        avg(score) filter (kind = 'nps' and answered_on > as_of - 365) as nps_mean,
        count(*) filter (kind = 'nps' and score >= 9 and answered_on > as_of - 365) as promoters,
        count(*) filter (kind = 'nps' and score <= 6 and answered_on > as_of - 365) as detractors,
        count(*) filter (is_silent and sent_on > as_of - 365) as silent,
        count(*) filter (sent_on <= as_of - 30 and sent_on > as_of - 395) as due,
        count(*) filter (sent_on <= as_of - 30 and sent_on > as_of - 395 and answered_on is not null) as answered,
        avg(answered_on - sent_on) filter (answered_on > as_of - 365) as answer_days,
        max(answered_on) as last_answer,
        max(sent_on) as last_sent,
        avg(score) filter (kind = 'csat' and answered_on > as_of - 365) as csat,
        avg(score) filter (kind = 'csat' and answered_on > as_of - 180) as csat_180,
        avg(score) filter (kind = 'csat' and answered_on <= as_of - 180 and answered_on > as_of - 360) as csat_before,
        avg(score) filter (kind = 'ces' and answered_on > as_of - 365) as effort,
        avg(tone) filter (answered_on > as_of - 365) as tone
    from told
    group by who_no, as_of
),
quiet as (
    select who_no, as_of, count(*) as surveys
    from told join (select who_no, as_of, last_answer from summed) using (who_no, as_of)
    where is_silent and sent_on > coalesce(last_answer, date '0001-01-01') and sent_on > as_of - 730
    group by who_no, as_of
)
select
    spot.who_no,
    spot.as_of,
    last_two.nps,
    nps_mean as nps_mean_365d,
    last_two.nps - nps_before as nps_change,
    last_two.nps - book.nps as nps_against_book,
    spot.as_of - nps_on as nps_age_days,
    coalesce(promoters, 0) as promoters_365d,
    coalesce(detractors, 0) as detractors_365d,
    coalesce(silent, 0) as surveys_unanswered_365d,
    answered / nullif(due, 0)::double as survey_answer_share_365d,
    coalesce(quiet.surveys, 0) as survey_silence_in_a_row,
    answer_days as survey_answer_days_365d,
    spot.as_of - last_sent as days_since_survey,
    csat as csat_365d,
    csat_180 - csat_before as csat_change_180d,
    effort as effort_365d,
    summed.tone as comment_tone_365d
from spot
join since on since.surveys_from <= spot.as_of
left join summed using (who_no, as_of)
left join last_two using (who_no, as_of)
left join quiet using (who_no, as_of)
left join book using (as_of);
