"""What a shared link opens, by hand: its study in the viewer, and to it every other door is as if it were not there."""

from typing import Final

from tests.permission.dicomweb import F, I, R, S
from tests.permission.lines import read

COLUMNS: Final = (
    # Links to the study, made by somebody who sees it: to look at it, and to carry it away as well.
    "link",
    "carrying link",
    # To another study.
    "foreign link",
    # To the study: the session was left alone, and it went with the link that was ended.
    "idle link",
    "ended link",
    # To the study, made by somebody who does not see it any more.
    "lost link",
)

LINES: Final = read(
    f"""
GET  /studies/{{study}}/                              ..x >> >  shows {{study}}
POST /studies/{{study}}/displayed/                    ..x >> >  sending what was displayed
GET  /studies/{{study}}/download/                     ..x >> >
POST /studies/{{study}}/download/                     -.- >> >  sending a purpose
GET  {S}/series                                       ..o >> >  shows {{series}}
GET  {R}/metadata                                     ..x >> >  shows {{sop}}
GET  {R}/thumbnail                                    ..x >> >
GET  {F}                                              ..x >> >
GET  /                                                ... >> >
GET  /me/alive/                                       ... >> >
POST /sign-out/                                       ... >> >

# Whole objects are a copy; lists, searches and every other page are for people.
GET  {S}                                              xxx >> >
GET  {R}                                              xxx >> >
GET  {I}                                              xxx >> >
GET  {S}/metadata                                     xxx >> >
GET  {S}/rendered                                     xxx >> >
GET  {I}/rendered                                     xxx >> >
GET  {S}/instances                                    xxx >> >
GET  {I}/bulkdata/7FE00010                            xxx >> >
GET  /dicom-web/studies                               xxx >> >
GET  /dicom-web/series                                xxx >> >
GET  /dicom-web/instances                             xxx >> >
POST /dicom-web/studies                               xxx >> >  given a new image; sending the image
GET  /studies/                                        xxx >> >
POST /studies/                                        xxx >> >  sending filters
GET  /studies/recent/?since=1                         xxx >> >
GET  /studies/{{study}}/priors.json                   xxx >> >
GET  /studies/{{study}}/fixity/                       xxx >> >
GET  /studies/{{study}}/held/                         xxx >> >
GET  /studies/{{study}}/share/                        xxx >> >
POST /studies/{{study}}/share/                        xxx >> >  sending a share
POST /studies/{{study}}/grant/                        xxx >> >  sending a grant
POST /studies/{{study}}/trash/                        xxx >> >
GET  /shares/                                         xxx >> >
POST /shares/{{nobody}}/end/                          xxx >> >
GET  /me/                                             xxx >> >
POST /me/tokens/                                      xxx >> >  sending a token
POST /me/lock/                                        xxx >> >
GET  /step-up/                                        xxx >> >
GET  /break-glass/                                    xxx >> >
GET  /people/                                         xxx >> >
GET  /roles/                                          xxx >> >
GET  /record/                                         xxx >> >
GET  /record/mine/                                    xxx >> >
GET  /destruction/                                    xxx >> >

# What is there and not the link's, and what is not there.
GET  /studies/{{study}}/                              xxx >> >  given a study
GET  /studies/{{study}}/                              xxx >> >  given a study in the trash
GET  /studies/{{nothing}}/                            xxx >> >
GET  /dicom-web/studies/{{nothing}}/series            ooo >> >  shows {{nothing}}"
GET  {R}/metadata                                     xxx >> >  given a study restricted
""",
    COLUMNS,
)
