//! A course has so many places, and a student takes ten courses at most.
//!
//! The boundary of [`Subscribe`] is one course and one student. A subscription is one fact about both, one event with two
//! tags, so neither can be full and the other not know. With one entity a transaction it would be two events, and a process
//! that takes the first back where the second is refused. Other courses and other students are not in the boundary, and
//! subscribing them changes nothing for this decision.

use std::collections::BTreeSet;

use cqrs_runtime::prelude::*;

/// The most courses that a student may take.
pub const MOST_COURSES: usize = 10;

/// Names a course.
#[derive(Id)]
pub struct CourseId(Uuid);

/// Names a student.
#[derive(Id)]
pub struct StudentId(Uuid);

/// A course is offered.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CourseDefined {
    /// Which.
    #[tag]
    pub course: CourseId,
    /// How many places it has.
    pub capacity: u32,
}

/// A course has more places than before, or fewer.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CourseCapacityChanged {
    /// Which.
    #[tag]
    pub course: CourseId,
    /// How many places it has now.
    pub capacity: u32,
}

/// A student is taken up.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct StudentRegistered {
    /// Who.
    #[tag]
    pub student: StudentId,
}

/// A student takes a course.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct StudentSubscribed {
    /// Who.
    #[tag]
    pub student: StudentId,
    /// Which.
    #[tag]
    pub course: CourseId,
}

/// A student takes a course no longer.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct StudentUnsubscribed {
    /// Who.
    #[tag]
    pub student: StudentId,
    /// Which.
    #[tag]
    pub course: CourseId,
}

/// Offers a course.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = EnrolmentError)]
pub struct DefineCourse {
    /// The new course's id.
    pub course: CourseId,
    /// How many places it has.
    pub capacity: u32,
}

/// Gives a course more places, or fewer.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = EnrolmentError)]
pub struct ChangeCapacity {
    /// Which.
    pub course: CourseId,
    /// How many places it shall have.
    pub capacity: u32,
}

/// Takes up a student.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = EnrolmentError)]
pub struct RegisterStudent {
    /// The new student's id.
    pub student: StudentId,
}

/// Gives a student a place in a course.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = EnrolmentError)]
pub struct Subscribe {
    /// Who.
    pub student: StudentId,
    /// Where.
    pub course: CourseId,
}

/// Gives the place back.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = EnrolmentError)]
pub struct Unsubscribe {
    /// Who.
    pub student: StudentId,
    /// Where.
    pub course: CourseId,
}

/// Why a command about a course or a student is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentError {
    /// A course of nobody.
    #[error("a course needs at least one place")]
    NoPlaces,
    /// Fewer places than are taken.
    #[error("the capacity cannot be below {0}, the number of students who take the course")]
    PlacesTaken(u32),
    /// No place left.
    #[error("the course is full, with a capacity of {0}")]
    CourseFull(u32),
    /// Too many courses.
    #[error("a student takes {MOST_COURSES} courses at most")]
    TooManyCourses,
    /// Has a place there.
    #[error("the student takes the course already")]
    SubscribedAlready,
    /// Has no place there.
    #[error("the student does not take the course")]
    NotSubscribed,
}

/// What decisions about a course need to know.
#[derive(Debug)]
pub struct Course {
    capacity: u32,
    taken: u32,
}

#[aggregate(id = CourseId, on = [CourseDefined, CourseCapacityChanged, StudentSubscribed, StudentUnsubscribed])]
impl Course {
    fn defined(event: &CourseDefined) -> Self {
        Self { capacity: event.capacity, taken: 0 }
    }

    fn capacity_changed(&mut self, event: &CourseCapacityChanged) {
        self.capacity = event.capacity;
    }

    fn subscribed(&mut self, _: &StudentSubscribed) {
        self.taken += 1;
    }

    fn unsubscribed(&mut self, _: &StudentUnsubscribed) {
        self.taken -= 1;
    }
}

/// What decisions about a student need to know.
#[derive(Debug)]
pub struct Student {
    courses: BTreeSet<CourseId>,
}

#[aggregate(id = StudentId, on = [StudentRegistered, StudentSubscribed, StudentUnsubscribed])]
impl Student {
    fn registered(_: &StudentRegistered) -> Self {
        Self { courses: BTreeSet::new() }
    }

    fn subscribed(&mut self, event: &StudentSubscribed) {
        self.courses.insert(event.course);
    }

    fn unsubscribed(&mut self, event: &StudentUnsubscribed) {
        self.courses.remove(&event.course);
    }
}

#[command]
fn define_course(cmd: DefineCourse, _course: Absent<Course>) -> Result<CourseDefined, EnrolmentError> {
    match cmd.capacity {
        0 => Err(EnrolmentError::NoPlaces),
        capacity => Ok(CourseDefined { course: cmd.course, capacity }),
    }
}

/// The capacity that a course has already is no news: accepted, and no event.
#[command]
fn change_capacity(cmd: ChangeCapacity, course: &Course) -> Result<Option<CourseCapacityChanged>, EnrolmentError> {
    let ChangeCapacity { course: id, capacity } = cmd;
    match capacity {
        0 => Err(EnrolmentError::NoPlaces),
        _ if capacity < course.taken => Err(EnrolmentError::PlacesTaken(course.taken)),
        _ => Ok((capacity != course.capacity).then_some(CourseCapacityChanged { course: id, capacity })),
    }
}

#[command]
fn register_student(cmd: RegisterStudent, _student: Absent<Student>) -> Result<StudentRegistered, EnrolmentError> {
    Ok(StudentRegistered { student: cmd.student })
}

/// Consistent over both: no one takes the last place, or the student's tenth course, between the look and the leap.
#[command]
fn subscribe(cmd: Subscribe, course: &Course, student: &Student) -> Result<StudentSubscribed, EnrolmentError> {
    if student.courses.contains(&cmd.course) {
        Err(EnrolmentError::SubscribedAlready)
    } else if student.courses.len() >= MOST_COURSES {
        Err(EnrolmentError::TooManyCourses)
    } else if course.taken >= course.capacity {
        Err(EnrolmentError::CourseFull(course.capacity))
    } else {
        Ok(StudentSubscribed { student: cmd.student, course: cmd.course })
    }
}

/// Only the student knows which courses she takes: the course is not needed, so it is not in the boundary.
#[command]
fn unsubscribe(cmd: Unsubscribe, student: &Student) -> Result<StudentUnsubscribed, EnrolmentError> {
    if student.courses.contains(&cmd.course) {
        Ok(StudentUnsubscribed { student: cmd.student, course: cmd.course })
    } else {
        Err(EnrolmentError::NotSubscribed)
    }
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::{Scenario, given, nothing};

    use super::*;

    /// A course of so many places, and these students in it.
    fn course(course: CourseId, capacity: u32, students: &[StudentId]) -> Scenario {
        let mut scenario = given(CourseDefined { course, capacity });
        for &student in students {
            scenario = scenario.and((StudentRegistered { student }, StudentSubscribed { student, course }));
        }
        scenario
    }

    #[test]
    fn a_course_is_defined_once_with_a_place_at_least() {
        let course = CourseId::new();
        let define = |capacity| DefineCourse { course, capacity };
        nothing().when(define(1)).then(CourseDefined { course, capacity: 1 });
        nothing().when(define(0)).rejected(EnrolmentError::NoPlaces);
        given(CourseDefined { course, capacity: 1 }).when(define(1)).already_exists();
    }

    #[test]
    fn a_student_is_registered_once() {
        let student = StudentId::new();
        nothing().when(RegisterStudent { student }).then(StudentRegistered { student });
        given(StudentRegistered { student }).when(RegisterStudent { student }).already_exists();
    }

    #[test]
    fn a_course_never_has_fewer_places_than_are_taken() {
        let (id, students) = (CourseId::new(), [StudentId::new(), StudentId::new()]);
        let change = |capacity| course(id, 3, &students).when(ChangeCapacity { course: id, capacity });
        change(4).then(CourseCapacityChanged { course: id, capacity: 4 });
        change(3).then_nothing();
        change(2).then(CourseCapacityChanged { course: id, capacity: 2 });
        change(1).rejected(EnrolmentError::PlacesTaken(2));
        change(0).rejected(EnrolmentError::NoPlaces);
        nothing().when(ChangeCapacity { course: id, capacity: 1 }).not_found();
    }

    #[test]
    fn a_place_is_taken_until_the_course_is_full() {
        let (id, student, other) = (CourseId::new(), StudentId::new(), StudentId::new());
        let subscribe = Subscribe { student, course: id };
        let full = || course(id, 1, &[other]).and(StudentRegistered { student });
        course(id, 2, &[other])
            .and(StudentRegistered { student })
            .when(subscribe.clone())
            .then(StudentSubscribed { student, course: id });
        full().when(subscribe.clone()).rejected(EnrolmentError::CourseFull(1));
        full()
            .and(CourseCapacityChanged { course: id, capacity: 2 })
            .when(subscribe.clone())
            .then(StudentSubscribed { student, course: id });
        full()
            .and(StudentUnsubscribed { student: other, course: id })
            .when(subscribe)
            .then(StudentSubscribed { student, course: id });
    }

    #[test]
    fn a_student_takes_ten_courses_at_most() {
        let (student, last) = (StudentId::new(), CourseId::new());
        let courses: Vec<_> = (0..MOST_COURSES).map(|_| CourseId::new()).collect();
        let taking = |count: usize| {
            let subscribed = |&course: &CourseId| StudentSubscribed { student, course };
            given(courses.iter().map(|&course| CourseDefined { course, capacity: 5 }).collect::<Vec<_>>())
                .and((CourseDefined { course: last, capacity: 5 }, StudentRegistered { student }))
                .and(courses[..count].iter().map(subscribed).collect::<Vec<_>>())
        };
        let subscribe = Subscribe { student, course: last };
        taking(9).when(subscribe.clone()).then(StudentSubscribed { student, course: last });
        taking(10).when(subscribe.clone()).rejected(EnrolmentError::TooManyCourses);
        taking(10)
            .and(StudentUnsubscribed { student, course: courses[0] })
            .when(subscribe)
            .then(StudentSubscribed { student, course: last });
    }

    #[test]
    fn a_place_is_given_back_by_who_has_it() {
        let (id, student) = (CourseId::new(), StudentId::new());
        let unsubscribe = Unsubscribe { student, course: id };
        course(id, 1, &[student]).when(unsubscribe.clone()).then(StudentUnsubscribed { student, course: id });
        course(id, 1, &[student])
            .and(StudentUnsubscribed { student, course: id })
            .when(unsubscribe.clone())
            .rejected(EnrolmentError::NotSubscribed);
        course(id, 1, &[]).when(unsubscribe).not_found();
    }

    #[test]
    fn both_must_be_there_and_not_be_together_yet() {
        let (id, student) = (CourseId::new(), StudentId::new());
        let subscribe = Subscribe { student, course: id };
        course(id, 1, &[]).when(subscribe.clone()).not_found();
        given(StudentRegistered { student }).when(subscribe.clone()).not_found();
        course(id, 1, &[student]).when(subscribe).rejected(EnrolmentError::SubscribedAlready);
    }
}
