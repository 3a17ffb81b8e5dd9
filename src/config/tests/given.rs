//! What routes hand out and need has to fit together.

use super::Folder;
use super::catalogue::{EHR, case, check};

const ROUTE: &str = "match = { method = \"GET\", path = \"/patients/{patient}\" }\n";
const STATIC: &str = "access = \"public\"\n";

#[test]
fn what_is_needed_is_given_by_some_route() {
    check(&[
        case(
            EHR,
            "category = \"clinical\"\n",
            "needs = [{ name = \"page\", at = \"query:t\" }]\n",
            "application.ehr.route[1].needs[1].name: no route gives `page`, so nobody could bring one",
        ),
        case(
            EHR,
            "category = \"clinical\"\n",
            "needs = [{ name = \"page\", at = \"path:nowhere\" }]\ngives = [{ name = \"page\", at = \"link:next\" }]\n",
            "application.ehr.route[1].needs[1].at: the route's path captures nothing of that name",
        ),
        case(
            EHR,
            "host =",
            "given.job = { to = \"person\" }\nhost =",
            "application.ehr.given.job: no route gives anything of this name",
        ),
        case(
            EHR,
            "category = \"clinical\"\n",
            "patient = \"session\"\n",
            "application.ehr.route[1].patient: the path names a patient already",
        ),
        case(
            EHR,
            "category = \"demographics\"\n",
            "category = \"demographics\"\npatient = \"session\"\n",
            "application.ehr.route[2].patient: no route sets the patient, so that never is anybody's record open",
        ),
        case(
            EHR,
            "category = \"demographics\"\n",
            "category = \"demographics\"\nsets_patient = true\n",
            "application.ehr.route[2].sets_patient: a request to this route does not say whose record it opens",
        ),
        case(
            EHR,
            STATIC,
            "access = \"public\"\nsets_patient = true\npatient = \"query:p\"\n",
            "application.ehr.route[3].sets_patient: on a public route nobody is known, so `sets_patient` means nothing",
        ),
    ]);
}

#[test]
fn what_is_given_stands_somewhere_in_a_reply() {
    for (at, problem) in [
        ("cookie:a", "`cookie:a` is no place in a reply"),
        ("link:", "`link:` is no place in a reply"),
        ("header:Link", "a `Link` header holds several links"),
        ("json:id", "`id` is not a JSON pointer"),
        ("text:ab", "a mark is 4 to 256 bytes long"),
    ] {
        let folder = Folder::good();
        let given = format!(
            "needs = [{{ name = \"page\", at = \"query:t\" }}]\ngives = [{{ name = \"page\", at = \"{at}\" }}]\n{ROUTE}"
        );
        folder.change(EHR, ROUTE, &given);
        let found = folder.problems();
        assert!(found.iter().any(|found| found.what == problem), "{}", folder.report());
        assert!(found.iter().all(|found| found.place.line > 0), "with its line: {}", folder.report());
    }
}
