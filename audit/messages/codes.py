"""The codes of DICOM PS3.16 that audit messages need, and a few of our own."""

from typing import Final, NamedTuple

OURS: Final = "99CUSTOS"


class Code(NamedTuple):
    """A coded value: what stands in `csd-code`, `codeSystemName` and `originalText`."""

    value: str
    system: str
    meaning: str


def dcm(value: int, meaning: str) -> Code:
    """A code of DICOM's own terminology."""
    return Code(str(value), "DCM", meaning)


def own(value: str, meaning: str) -> Code:
    """A code of this program."""
    return Code(value, OURS, meaning)


APPLICATION_ACTIVITY: Final = dcm(110100, "Application Activity")
AUDIT_LOG_USED: Final = dcm(110101, "Audit Log Used")
BEGIN_TRANSFERRING: Final = dcm(110102, "Begin Transferring DICOM Instances")
ACCESSED: Final = dcm(110103, "DICOM Instances Accessed")
TRANSFERRED: Final = dcm(110104, "DICOM Instances Transferred")
DELETED: Final = dcm(110105, "DICOM Study Deleted")
EXPORT: Final = dcm(110106, "Export")
QUERY: Final = dcm(110112, "Query")
SECURITY_ALERT: Final = dcm(110113, "Security Alert")
AUTHENTICATION: Final = dcm(110114, "User Authentication")

APPLICATION_START: Final = dcm(110120, "Application Start")
APPLICATION_STOP: Final = dcm(110121, "Application Stop")
LOGIN: Final = dcm(110122, "Login")
LOGOUT: Final = dcm(110123, "Logout")
NODE_AUTHENTICATION: Final = dcm(110126, "Node Authentication")
EMERGENCY: Final = dcm(110127, "Emergency Override Started")
EMERGENCY_OVER: Final = dcm(110138, "Emergency Override Stopped")
NETWORK_CONFIGURATION: Final = dcm(110128, "Network Configuration")
SECURITY_CONFIGURATION: Final = dcm(110129, "Security Configuration")
RESTRICTED_FUNCTION: Final = dcm(110132, "Use of Restricted Function")
RECORDING_STARTED: Final = dcm(110134, "Audit Recording Started")
OBJECT_ATTRIBUTES: Final = dcm(110135, "Object Security Attributes Changed")
ROLES: Final = dcm(110136, "Security Roles Changed")
USER_ATTRIBUTES: Final = dcm(110137, "User security Attributes Changed")
LOCAL_SERVICE: Final = dcm(110141, "Local Service Operation Started")

ROLE_APPLICATION: Final = dcm(110150, "Application")
ROLE_LAUNCHER: Final = dcm(110151, "Application Launcher")
ROLE_DESTINATION: Final = dcm(110152, "Destination Role ID")
ROLE_SOURCE: Final = dcm(110153, "Source Role ID")
ROLE_MEDIA: Final = dcm(110154, "Destination Media")
MEDIA_URI: Final = dcm(110037, "URI")

ID_STUDY: Final = dcm(110180, "Study Instance UID")
ID_CLASS: Final = dcm(110181, "SOP Class UID")
ID_PATIENT: Final = Code("2", "RFC-3881", "Patient Number")
ID_URI: Final = Code("12", "RFC-3881", "URI")

STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
