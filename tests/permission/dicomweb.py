"""The lines of the DICOMweb service. `tests.permission.table` says how they are read."""

from typing import Final

from tests.permission.lines import read

S: Final = "/dicom-web/studies/{study}"
R: Final = f"{S}/series/{{series}}"
I: Final = f"{R}/instances/{{sop}}"  # noqa: E741 - the three levels, as the standard nests them
F: Final = f"{I}/frames/1"

LINES: Final = read(
    f"""
# columns: radiologist technologist administrator privacy keeper outsider | tired | shut | token narrow | revoked lapsed
GET  /dicom-web/studies?StudyInstanceUID={{study}}    ..---o . >>>>> .. >>  shows {{study}}
GET  /dicom-web/series?StudyInstanceUID={{study}}     ..---o . >>>>> .. >>  shows {{study}}
GET  /dicom-web/instances?StudyInstanceUID={{study}}  ..---o . >>>>> .. >>  shows {{study}}
GET  {S}/series          ..---o . >>>>> .. >>  shows {{series}}
GET  {S}/instances       ..---o . >>>>> .. >>  shows {{sop}}
GET  {R}/instances       ..---o . >>>>> .. >>  shows {{sop}}
GET  {S}                 ..---x . >>>>> .- >>
GET  {S}/metadata        ..---x . >>>>> .- >>  shows {{sop}}
GET  {S}/rendered        ..---x . >>>>> .- >>
GET  {S}/thumbnail       ..---x . >>>>> .- >>
GET  {R}                 ..---x . >>>>> .- >>
GET  {R}/metadata        ..---x . >>>>> .- >>  shows {{sop}}
GET  {R}/rendered        ..---x . >>>>> .- >>
GET  {R}/thumbnail       ..---x . >>>>> .- >>
GET  {I}                 ..---x . >>>>> .- >>
GET  {I}/metadata        ..---x . >>>>> .- >>  shows {{sop}}
GET  {I}/rendered        ..---x . >>>>> .- >>
GET  {I}/thumbnail       ..---x . >>>>> .- >>
GET  {I}/bulkdata/7FE00010  ..---x . >>>>> .- >>
GET  {I}/bulkdata/00282000  ..---x . >>>>> .- >>
GET  {F}                 ..---x . >>>>> .- >>
GET  {F}/rendered        ..---x . >>>>> .- >>
GET  {F}/thumbnail       ..---x . >>>>> .- >>
POST /dicom-web/studies   -.---. . >>>>> .- >>  given a new image; sending the image
POST {S}                 -.---. . >>>>> .- >>  given a new image; sending the image
POST /dicom-web/studies   -.---. . >>>>> .- >>  given a large new image; sending the image

# What nobody has is answered as what is somebody else's.
GET  /dicom-web/studies?StudyInstanceUID={{nothing}}  oo---o o >>>>> oo >>  shows {{nothing}}"
GET  /dicom-web/studies/{{nothing}}/series            oo---o o >>>>> oo >>  shows {{nothing}}"
GET  /dicom-web/studies/{{nothing}}/instances         oo---o o >>>>> oo >>  shows {{nothing}}"
GET  /dicom-web/studies/{{nothing}}                   xx---x x >>>>> x- >>
GET  /dicom-web/studies/{{nothing}}/metadata          xx---x x >>>>> x- >>
GET  /dicom-web/studies/{{nothing}}/rendered          xx---x x >>>>> x- >>
GET  /dicom-web/studies/{{nothing}}/thumbnail         xx---x x >>>>> x- >>
GET  {S}/series/{{nothing}}                          xx---x x >>>>> x- >>
GET  {R}/instances/{{nothing}}                       xx---x x >>>>> x- >>
GET  {R}/instances/{{nothing}}/frames/1              xx---x x >>>>> x- >>

# What was taken away, for a while or by a decision, is as if it were not there.
GET  /dicom-web/studies?StudyInstanceUID={{study}}    oo---o o >>>>> oo >>  given a study in the trash; shows {{study}}
GET  {S}                                             xx---x x >>>>> x- >>  given a study in the trash
GET  {S}/rendered                                    xx---x x >>>>> x- >>  given a study in the trash
GET  /dicom-web/studies?StudyInstanceUID={{study}}    oo---o o >>>>> oo >>  given a study restricted; shows {{study}}
GET  {S}/metadata                                    xx---x x >>>>> x- >>  given a study restricted
GET  {F}                                             xx---x x >>>>> x- >>  given a study restricted
GET  /dicom-web/studies?StudyInstanceUID={{study}}    oo---o o >>>>> oo >>  given a grant that is over; shows {{study}}
GET  {S}                                             xx---x x >>>>> x- >>  given a grant that is over
GET  {F}                                             xx---x x >>>>> x- >>  given a grant that is over
"""
)
