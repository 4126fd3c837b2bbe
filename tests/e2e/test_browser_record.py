"""The privacy officer's page tells of each view what in fact left, and of each refusal that there was one."""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Page, Request, Response, expect
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE

from tests import builders
from tests.e2e.chromium import Clinic, open_study
from tests.e2e.running import wait_for
from tests.e2e.traffic import FRAMES, frame_url, stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SETTLED = 45  # seconds: what left stands in the log after thirty at most
FRAME = re.compile(r"/instances/([0-9.]+)/frames/(\d+)$")
VARIES = frozenset({"date"})


def line_of(page: Page, clinic: Clinic, study_uid: str, person: str) -> list[str]:
    """What the record says of a person's views of a study, one text a line."""
    page.goto(f"{clinic.archive.url}/record/?kind=views&person={person}&study={study_uid}")
    return page.locator("table.list tbody tr td:nth-child(3)").all_inner_texts()


def instances_of(page: Page) -> dict[str, set[str]]:
    """From the page of one sitting: the uses of each instance."""
    rows = page.locator("table.list tbody tr").all()
    return {row.locator("th").inner_text(): set(row.locator("td").nth(2).inner_text().split(", ")) for row in rows}


def test_ten_of_150_images_fetched_are_one_view_of_ten(clinic: Clinic) -> None:
    study = builders.study(150, side=16)
    uid = str(study[0].StudyInstanceUID)
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, study).status_code == 200
    rosa = clinic.archive.session(clinic.logins["rosa"].token)
    fetched = study[20:30]
    for ds in fetched:
        answer = rosa.get(frame_url(clinic.archive, ds), headers={"Accept": FRAMES})
        assert answer.status_code == 200

    page = clinic.page("paul")
    lines = wait_for(
        lambda: [line for line in line_of(page, clinic, uid, "rosa") if "of 150" in line], SETTLED, "the record of ten"
    )

    assert lines == ["viewed: 10 of 150 images retrieved care"]
    assert len(line_of(page, clinic, uid, "rosa")) == 1
    page.get_by_role("link", name="viewed: 10 of 150 images retrieved").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One sitting")
    assert instances_of(page) == {str(ds.SOPInstanceUID): {"retrieved"} for ds in fetched}


def test_a_view_in_the_browser_is_recorded_as_a_listener_on_the_line_hears_it(clinic: Clinic) -> None:
    study = builders.study(30, side=16)
    uid = str(study[0].StudyInstanceUID)
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, study).status_code == 200
    left, looked_at = set[str](), set[str]()

    def hear(response: Response) -> None:
        if response.ok and (found := FRAME.search(urlsplit(response.url).path)):
            left.add(found[1])
            if response.request.headers.get("custos-use") == "displayed":
                looked_at.add(found[1])

    def overhear(request: Request) -> None:
        if request.url.endswith("/displayed/"):
            looked_at.update(sop for _, sop, _ in json.loads(request.post_data or "")["displayed"])

    reader = clinic.page("rosa")
    reader.on("response", hear)
    reader.on("request", overhear)
    viewer = open_study(reader, clinic.archive, uid)
    shown = {viewer.shows(0)}
    for index in range(1, 6):
        reader.keyboard.press("ArrowDown")
        shown.add(viewer.shows(index))
    wait_for(lambda: reader.evaluate("1") and len(left) == 30 and looked_at == shown, 20, "all images and the report")
    reader.goto("about:blank")

    page = clinic.page("paul")
    [line] = wait_for(
        lambda: [one for one in line_of(page, clinic, uid, "rosa") if "6 of 30 images displayed" in one],
        SETTLED,
        "the record of what the browser fetched",
    )
    assert len(line_of(page, clinic, uid, "rosa")) == 1
    page.get_by_role("link", name="6 of 30 images displayed").click()
    uses = instances_of(page)
    assert {sop for sop, of in uses.items() if of & {"displayed", "prefetched"}} == left, line
    assert {sop for sop, of in uses.items() if "displayed" in of} == looked_at == shown


def sent_by_cardiology(clinic: Clinic, study: list[Dataset]) -> None:
    """Send a study by C-STORE as ECHO_ONE, a device of another group."""
    ae = AE(ae_title="ECHO_ONE")
    ae.add_requested_context(study[0].SOPClassUID, "1.2.840.10008.1.2.1")
    association = ae.associate("127.0.0.1", clinic.archive.dicom_port, ae_title="CUSTOS")
    assert association.is_established
    for ds in study:
        builders.part10(ds)
        assert association.send_c_store(ds).Status == 0
    association.release()


def of_the_same_length(uid: str) -> str:
    """A UID that nobody has used, as long as another one."""
    while len(other := generate_uid()) < len(uid):
        pass
    return other[: len(uid)].rstrip(".")


def test_a_study_of_another_group_is_refused_exactly_like_one_that_nobody_has(clinic: Clinic) -> None:
    own, foreign = builders.study(1), builders.study(1)
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, own).status_code == 200
    sent_by_cardiology(clinic, foreign)
    uid = str(foreign[0].StudyInstanceUID)
    unknown = of_the_same_length(uid)
    olga = clinic.archive.session(clinic.logins["olga"].token)
    assert olga.get(frame_url(clinic.archive, foreign[0]), headers={"Accept": FRAMES}).status_code == 200

    page = clinic.page("rosa")
    open_study(page, clinic.archive, str(own[0].StudyInstanceUID))
    browser = session_of(clinic, page)
    token = clinic.archive.session(clinic.logins["rosa"].token)
    images = f"series/{foreign[0].SeriesInstanceUID}/instances/{foreign[0].SOPInstanceUID}"
    for client in (browser, token):
        for path in ("", "/metadata", "/series", "/thumbnail", f"/{images}", f"/{images}/frames/1"):
            both_alike(client, f"{clinic.archive.url}/dicom-web/studies/%s{path}", uid, unknown)
    for path in ("", "priors.json", "download/", "held/"):
        both_alike(browser, f"{clinic.archive.url}/studies/%s/{path}", uid, unknown)
    page.goto(f"{clinic.archive.url}/studies/{uid}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is not available")

    officer = clinic.page("paul")
    officer.goto(f"{clinic.archive.url}/record/?kind=refusals&person=rosa&study={uid}")
    rows = officer.locator("table.list tbody tr")
    assert rows.count() > 0
    assert set(rows.locator("td:last-child").all_inner_texts()) == {"denied"}


def session_of(clinic: Clinic, page: Page) -> requests.Session:
    """A plain HTTP client with the cookies of a browser."""
    client = requests.Session()
    client.trust_env = False
    client.verify = str(clinic.archive.authority)
    for cookie in page.context.cookies():
        client.cookies.set(cookie["name"], cookie["value"])
    return client


def both_alike(client: requests.Session, address: str, one: str, other: str) -> None:
    """Ask the same of both studies: status, headers and body must not tell them apart, nor say yes."""
    first, second = (client.get(address % uid, allow_redirects=False) for uid in (one, other))
    assert first.status_code == second.status_code, address
    assert first.status_code in {200, 204, 403, 404}, address
    assert told(first.headers, one) == told(second.headers, other), address
    assert words(first.text, one) == words(second.text, other), address
    assert first.status_code in {403, 404} or first.text in {"", "[]"}, address


def told(headers: Mapping[str, str], uid: str) -> dict[str, str]:
    return {name.lower(): words(value, uid) for name, value in headers.items() if name.lower() not in VARIES}


def words(text: str, uid: str) -> str:
    """An answer without what differs from request to request: the study's UID and the token against forged requests."""
    text = re.sub(r'(name="csrf[^"]*" (?:content|value)=")[^"]*', r"\1", text)
    text = re.sub(r"(__Host-csrf=)\w+|(expires=)[^;]*", r"\1\2", text)
    return text.replace(uid, "UID")
