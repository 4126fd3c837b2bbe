"""What may be done from a shell on the machine: each verb of each command, by hand.

The columns: the shell as it is, one that may nothing, and the shell of a program whose own jobs may nothing; then a
person named with `--as` who gives both factors: a keeper, a radiologist, and a keeper who gives a wrong password. A
verb that takes no person, or does nothing in the name of a job, has a blank (`_`) there.
"""

from typing import Final

from tests.permission.lines import read

COLUMNS: Final = ("shell", "bare", "idle", "as keeper", "as radiologist", "as keeper, mistaken")

LINES: Final = read(
    """
GIVE person add {fresh} --role clinician            .-_ ___
GIVE person list                                    .-_ ___
GIVE person disable {someone}                       .-_ ___  given somebody
GIVE person disable nobody                          !-_ ___
GIVE person reset-factors {someone}                 .-_ ___  given somebody
GIVE person reset-factors nobody                    !-_ ___
GIVE token add {someone}                            .-_ ___  given somebody
GIVE token add nobody                               !-_ ___
GIVE token revoke {token}                           .-_ ___  given somebody's token
GIVE token revoke {nobody}                          !-_ ___
GIVE role list                                      .-_ ___
GIVE role show clinician                            .-_ ___
GIVE role show nobody                               !-_ ___
GIVE group import {folder}/rules.csv                .-_ ___  given a file of rules
GIVE group import {folder}/none.csv                 !-_ ___  given a file of rules
GIVE study grant {study} --to radiologist --reason because --until {today}  .-_ ___  given who may grant
GIVE study grant {nothing} --to radiologist --reason because --until {today}  x-_ ___  given who may grant
GIVE study grants                                   .-_ ___
GIVE study revoke {grant}                           .-_ ___  given a study granted
GIVE study revoke {nobody}                          x-_ ___
GIVE study restrict {study} --reason=because        .-_ ___  given a study
GIVE study restrict {nothing} --reason=because      x-_ ___
GIVE study unrestrict {study}                       .-_ ___  given a study restricted
GIVE study unrestrict {nothing}                     x-_ ___
GIVE group add {fresh}                              .-_ ___
GIVE group list                                     .-_ ___
GIVE group give Cardiology {study}                  .-_ ___  given a study to give
GIVE group give Nobody {study}                      !-_ ___
GIVE group give Cardiology {nothing}                !-_ ___
GIVE device add {fresh} --address 127.0.0.7/32      .-_ ___
GIVE device list                                    .-_ ___
GIVE device disable {ae_title}                      .-_ ___  given a device
GIVE device disable NOBODY                          !-_ ___
GIVE device enrol {ae_title} --into {folder}/{fresh}  .-_ ___  given a device and a folder
GIVE device enrol NOBODY --into {folder}/{fresh}    !-_ ___  given a folder
GIVE device revoke {ae_title}                       .-_ ___  given a device
GIVE device revoke NOBODY                           !-_ ___
GIVE study trash {study}                            .-_ ___  given a study
GIVE study trash {nothing}                          x-_ ___
GIVE study restore {study}                          .-_ ___  given a study in the trash
GIVE study restore {nothing}                        x-_ ___
GIVE study hold {study} --reason=because            .-_ ___  given a study
GIVE study hold {nothing} --reason=because          x-_ ___
GIVE study release {study}                          .-_ ___  given a study under a hold
GIVE study release {nothing}                        x-_ ___
GIVE study reconcile {study}                        .-_ ___  given a study restricted
GIVE study reconcile {nothing}                      x-_ ___
GIVE study restricted                               .-_ ___
GIVE study trashed                                  .-_ ___
GIVE study destroy {study}                          ___ .-!  given a study whose time is over
# What a keeper began is gone on with by a keeper alone.
GIVE study destroy {study}                          ___ .-!  given a study destroyed
GIVE study destroy {nothing}                        ___ x-!
GIVE archive scrub                                  .-- ___
GIVE archive check                                  .-_ ___
# By now there lies what nobody names, of which a rebuild tells.
GIVE archive check --rebuild                        !-_ ___
GIVE archive reindex                                .-- ___
GIVE archive compact                                .-_ ___
GIVE archive sweep                                  .-_ ___
GIVE keys status                                    .-_ ___
GIVE keys create-root {folder}/{fresh}              .-_ ___  given a folder
GIVE keys rotate --to file:{root}                   .-_ ___  given another root
GIVE keys export-shares                             ___ .-!
GIVE keys recover --to file:{folder}/root.key       !-_ ___  given a folder
GIVE keys end-epoch {epoch}                         .-_ ___  given an epoch to end
GIVE keys clean                                     .-_ ___  given no backup place
GIVE keys clean                                     .-_ ___  given a backup place
GIVE keys rekey {study}                             .-- ___  given a study without a backup
GIVE keys rekey {nothing}                           x-_ ___
GIVE backup create {folder}                         .-_ ___  given a folder
GIVE backup verify {folder}                         .-_ ___  given a backup
GIVE backup list {folder}                           .-_ ___  given a backup
GIVE backup places                                  .-_ ___
GIVE backup forget {folder}                         .-_ ___  given a backup place
# Whoever may restores a machine, which this one is not.
GIVE backup restore {folder}                        _-_ ___  given a folder
GIVE audit status                                   !-_ ___
GIVE audit verify                                   .-_ ___
GIVE audit prove 1                                  .-_ ___  given a checkpoint
GIVE audit export                                   .-_ ___
GIVE audit messages --again                         .-_ ___
GIVE audit key                                      .._ ___
""",
    COLUMNS,
)
UNASKED: Final = {
    "setup": "makes an installation before there is anybody who could be asked",
    "demo": "refuses every data directory but that of a demo, which it makes",
    "healthy": "says whether this process lives",
    "serve": "starts the program",
}
"""Commands that no gate guards: whoever may start the program on this machine may give them."""
