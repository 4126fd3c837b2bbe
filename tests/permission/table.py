"""Who gets which answer at which door of the web: the table, written by hand and never computed from the policy.

A line is one way of asking at one door. A door without a line for each method that it answers fails the build, and so
does a line without a door. To add a door, add its lines to `dicomweb.py`, `pages.py` or `rights.py` here (commands,
jobs, services and shared links have modules and columns of their own):

    METHOD  path  six people, the tired one, five shut out, two tokens, two dead tokens  given …; sending …; shows …

* the letters and the order of the columns stand in `lines.py`; a door for people is mostly `------ - >>>>> -- >>` with
  some of its `-` opened. Write what the door should answer, then run `tests/permission/test_table.py` and look at
  what differs: one of the two is wrong;
* names in curly brackets in a path are of a study of Radiology (`study`, `series`, `sop`), of what is not there
  (`nothing` a UID, `nobody` an id), or of what `given` prepared: a function in `subjects.py`, or one of those that the
  rows of the record's matrix use (`tests.completeness.given`). What an answer may have changed is prepared anew;
* `sending` names what is sent, in `sent.py`; `shows` is what an answer holds that shows the thing itself: `o` is an
  answer that holds nothing of it;
* add a line for what is not there, and one for what has been taken away, wherever the path names something: forbidden
  and unknown must look alike.

The second test of `test_table.py` takes each call that guards out in turn, and a line must notice. It tells what is not
as the lists beside it say: a call that no line comes by (`unreached.txt`: add a line), one that another stands behind
(`doubled.txt`: fine, write it down), one that no answer depends on (`beside.txt`: write down why), or one that has left
its list. A new kind of guard goes into `gates.GUARDS`.
"""

from typing import Final

from tests.permission import commands, dicomweb, jobs, pages, rights, shared, wire
from tests.permission.lines import Line

LINES: Final[tuple[Line, ...]] = (*dicomweb.LINES, *pages.LINES, *rights.LINES)
"""The doors of the web."""
EVERYTHING: Final[tuple[Line, ...]] = (*LINES, *shared.LINES, *wire.LINES, *jobs.LINES, *commands.LINES)
