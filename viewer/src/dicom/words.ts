import { text, type DataSet } from "./json";

/** `DOE^JANE^^DR` as it is spoken of in a list: `DOE, JANE, DR`. */
export function nameText(name: string): string {
  const [family = "", ...rest] = name.split("=")[0]!.split("^");
  return [family, ...rest].map((part) => part.trim()).filter((part) => part !== "").join(", ");
}

const CLASSES: Readonly<Record<string, string>> = {
  "1.2.840.10008.5.1.4.1.1.88.11": "Basic Text SR",
  "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
  "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
  "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
  "1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection",
  "1.2.840.10008.5.1.4.1.1.88.67": "X-Ray Radiation Dose SR",
  "1.2.840.10008.5.1.4.1.1.104.1": "Encapsulated PDF",
  "1.2.840.10008.5.1.4.1.1.104.2": "Encapsulated CDA",
  "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State",
  "1.2.840.10008.5.1.4.1.1.11.2": "Color Softcopy Presentation State",
  "1.2.840.10008.5.1.4.1.1.66": "Raw Data",
  "1.2.840.10008.5.1.4.1.1.66.1": "Spatial Registration",
  "1.2.840.10008.5.1.4.1.1.67": "Real World Value Mapping",
  "1.2.840.10008.5.1.4.1.1.481.3": "RT Structure Set",
  "1.2.840.10008.5.1.4.1.1.481.5": "RT Plan",
  "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG Waveform",
};

/** The standard's name of what the object is (PS3.6 §A), or its UID when it is none of the usual. */
export function kindOf(instance: DataSet): string {
  const uid = text(instance, "00080016");
  return CLASSES[uid] ?? (uid || "?");
}
