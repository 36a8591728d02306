//! Everyone at once. Every refusal comes from the rule: a conflict never reaches a caller.

use std::sync::Arc;

use courses::enrolment::{
    CourseId, DefineCourse, EnrolmentError, MOST_COURSES, RegisterStudent, StudentId, StudentSubscribed, Subscribe,
    Unsubscribe,
};
use courses::invoice::{InvoiceId, InvoiceIssued, IssueInvoice, SeriesId};
use courses::username::{AccountError, AccountId, AccountRegistered, RegisterAccount, Username};
use cqrs_runtime::event::RecordedEvent;
use cqrs_runtime::log::EventQuery;
use cqrs_runtime::message::DomainError;
use cqrs_runtime::{App, Command, CommandError, Event, Handled, Position, Receipt};
use serde::de::DeserializeOwned;
use tokio::sync::Barrier;

/// Plays every scenario, its callers spread over all apps of one log.
pub async fn run(apps: &[App]) {
    thirty_two_students_want_ten_places(apps).await;
    a_place_given_back_is_free(apps).await;
    one_student_wants_fifteen_courses(apps).await;
    twenty_accounts_want_one_name(apps).await;
    fifty_invoices_have_fifty_numbers(apps).await;
}

async fn thirty_two_students_want_ten_places(apps: &[App]) {
    let (course, students) = (CourseId::new(), [(); 32].map(|()| StudentId::new()));
    accepted(apps, [DefineCourse { course, capacity: 10 }]).await;
    accepted(apps, students.map(|student| RegisterStudent { student })).await;

    let refusals = refused(at_once(apps, students.map(|student| Subscribe { student, course })).await);
    assert_eq!(refusals, vec![EnrolmentError::CourseFull(10); 22]);
    let places = stored::<StudentSubscribed>(&apps[0]).await.into_iter().filter(|event| event.course == course);
    assert_eq!(places.count(), 10);
}

/// Giving it back is decided on the student alone. The course, which every app has in memory by then, must know of it.
async fn a_place_given_back_is_free(apps: &[App]) {
    let (course, first, second) = (CourseId::new(), StudentId::new(), StudentId::new());
    accepted(apps, [DefineCourse { course, capacity: 1 }]).await;
    accepted(apps, [first, second].map(|student| RegisterStudent { student })).await;
    accepted(apps, [Subscribe { student: first, course }]).await;
    for app in apps {
        let refusals = refused(at_once(std::slice::from_ref(app), [Subscribe { student: second, course }]).await);
        assert_eq!(refusals, [EnrolmentError::CourseFull(1)]);
    }
    accepted(apps, [Unsubscribe { student: first, course }]).await;
    accepted(apps, [Subscribe { student: second, course }]).await;
}

async fn one_student_wants_fifteen_courses(apps: &[App]) {
    let (student, courses) = (StudentId::new(), [(); 15].map(|()| CourseId::new()));
    accepted(apps, [RegisterStudent { student }]).await;
    accepted(apps, courses.map(|course| DefineCourse { course, capacity: 100 })).await;

    let refusals = refused(at_once(apps, courses.map(|course| Subscribe { student, course })).await);
    assert_eq!(refusals, vec![EnrolmentError::TooManyCourses; 15 - MOST_COURSES]);
    let taken = stored::<StudentSubscribed>(&apps[0]).await.into_iter().filter(|event| event.student == student);
    assert_eq!(taken.count(), MOST_COURSES);
}

async fn twenty_accounts_want_one_name(apps: &[App]) {
    let claims = [(); 20].map(|()| RegisterAccount { account: AccountId::new(), username: "Ada".into() });
    let refusals = refused(at_once(apps, claims).await);
    assert_eq!(refusals, vec![AccountError::Taken(Username::of("Ada")); 19]);
    assert_eq!(stored::<AccountRegistered>(&apps[0]).await.len(), 1);
}

async fn fifty_invoices_have_fifty_numbers(apps: &[App]) {
    let series = SeriesId::new("2026-FR");
    let issue = |()| IssueInvoice { invoice: InvoiceId::new(), series: series.clone(), cents: 100 };
    let receipts = accepted(apps, [(); 50].map(issue)).await;
    let mut numbers: Vec<u64> = receipts.iter().map(|receipt| receipt.returned().into_inner()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());

    let stored = stored::<InvoiceIssued>(&apps[0]).await;
    let in_order: Vec<u64> = stored.iter().map(|event| event.number.into_inner()).collect();
    assert_eq!(in_order, numbers, "the numbers follow the log");
}

type Answers<C> = Vec<Result<Receipt<<C as Command>::Returns>, CommandError<<C as Command>::Error>>>;

/// Sends all commands, each from a task of its own; none starts before all are there.
async fn at_once<C: Handled<H>, H: 'static, const N: usize>(apps: &[App], commands: [C; N]) -> Answers<C> {
    let barrier = Arc::new(Barrier::new(N));
    let mut tasks = Vec::new();
    for (command, app) in commands.into_iter().zip(apps.iter().cycle()) {
        let (bus, barrier) = (app.commands(), Arc::clone(&barrier));
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            bus.execute(command).await
        }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Sends all commands at once; none may be refused.
async fn accepted<C: Handled<H>, H: 'static, const N: usize>(
    apps: &[App],
    commands: [C; N],
) -> Vec<Receipt<C::Returns>> {
    at_once(apps, commands).await.into_iter().map(|answer| answer.expect("no rule refuses this")).collect()
}

/// Why the domain refused those that were not accepted. No one else may have refused any.
fn refused<R, E: DomainError>(answers: Vec<Result<Receipt<R>, CommandError<E>>>) -> Vec<E> {
    let refusal = |error| match error {
        CommandError::Rejected(refusal) => refusal,
        other => panic!("not the rule: {other}"),
    };
    answers.into_iter().filter_map(Result::err).map(refusal).collect()
}

/// All events of one type, as the log has them.
async fn stored<E: Event + DeserializeOwned>(app: &App) -> Vec<E> {
    let events = app.log().read(&EventQuery::all(), Position::START, usize::MAX).await.unwrap().events;
    let typed = |event: &RecordedEvent| serde_json::from_str(event.data()).unwrap();
    events.iter().filter(|event| event.name() == E::NAME).map(typed).collect()
}
