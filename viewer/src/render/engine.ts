import { cache, Enums, getRenderingCapabilities, imageLoader, init, metaData, RenderingEngine, setUseCPURendering, utilities, type Types } from "@cornerstonejs/core";

import { marked, type Drawable } from "./drawable";
import type { Frame } from "../dicom/frames";

const SCHEME = "custos";

/** Decoded images kept in memory, in bytes; the oldest leave first. */
export const MEMORY = 1_200_000_000;

export const imageIdOf = (frame: Frame): string => `${SCHEME}:${frame.key}`;

export type Load = (key: string) => Promise<Drawable>;

/**
 * Starts cornerstone3D once: our frames are its images, our metadata its metadata. A machine without a graphics card draws
 * on the processor, which for two-dimensional stacks is faster there than WebGL in software. `renderer` overrules for tests.
 */
export function startEngine(frameOf: (key: string) => Frame | undefined, load: Load, renderer: string | null): RenderingEngine {
  // Two panes need two contexts; each costs time before the first image.
  init({ rendering: { webGlContextCount: 2 }, debug: { statsOverlay: false } });
  const { softwareRasterizer, webgl2 } = getRenderingCapabilities();
  const cpu = renderer === null ? softwareRasterizer || !webgl2 : renderer === "cpu";
  setUseCPURendering(cpu);
  cache.setMaxCacheSize(MEMORY);
  metaData.addProvider((type: string, imageId: string) => moduleOf(type, frameOf(imageId.slice(SCHEME.length + 1))), 1000);
  imageLoader.registerImageLoader(SCHEME, (imageId: string) => ({
    promise: load(imageId.slice(SCHEME.length + 1)).then((drawable) => imageOf(imageId, drawable)),
  }));
  return new RenderingEngine("viewer");
}

/** The parts of the metadata that a stack viewport asks for. */
function moduleOf(type: string, frame: Frame | undefined): object | undefined {
  if (frame === undefined) return undefined;
  if (type === Enums.MetadataModules.IMAGE_PLANE) return planeModule(frame);
  if (type === Enums.MetadataModules.GENERAL_SERIES) return { modality: frame.modality, seriesInstanceUID: frame.series };
  if (type !== Enums.MetadataModules.IMAGE_PIXEL) return undefined;
  const { layout } = frame;
  return {
    bitsAllocated: layout.allocated,
    bitsStored: layout.stored,
    highBit: layout.stored - 1,
    // Inversion and colour models are dealt with here, so that cornerstone sees plain grey or plain colour.
    photometricInterpretation: isColor(frame) ? "RGB" : "MONOCHROME2",
    pixelRepresentation: layout.signed ? 1 : 0,
    samplesPerPixel: isColor(frame) ? 3 : 1,
  };
}

const isColor = (frame: Frame): boolean => frame.layout.samples >= 3 || frame.layout.photometric === "PALETTE COLOR";

function planeModule(frame: Frame): object {
  const { plane, spacing, layout } = frame;
  const row = plane?.row ?? [1, 0, 0];
  const column = plane?.column ?? [0, 1, 0];
  return {
    rows: layout.rows,
    columns: layout.columns,
    rowCosines: row,
    columnCosines: column,
    imageOrientationPatient: [...row, ...column],
    imagePositionPatient: plane?.origin ?? [0, 0, 0],
    rowPixelSpacing: spacing.row,
    columnPixelSpacing: spacing.column,
    frameOfReferenceUID: frame.series,
    usingDefaultValues: plane === undefined,
  };
}

/** The image as cornerstone wants it, already free of modality and colour transforms. */
function imageOf(imageId: string, drawable: Drawable): Types.IImage {
  const { frame, shown } = drawable;
  const { rows, columns } = frame.layout;
  const numberOfComponents = drawable.color ? 3 : 1;
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({ width: columns, height: rows, scalarData: shown as never, numberOfComponents });
  const image = {
    imageId,
    rows,
    columns,
    height: rows,
    width: columns,
    color: drawable.color,
    rgba: false,
    numberOfComponents,
    rowPixelSpacing: frame.spacing.row,
    columnPixelSpacing: frame.spacing.column,
    slope: 1,
    intercept: 0,
    windowCenter: drawable.color ? 128 : (drawable.shownMin + drawable.shownMax + 1) / 2,
    windowWidth: drawable.color ? 256 : drawable.shownMax - drawable.shownMin + 1,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    minPixelValue: drawable.shownMin,
    maxPixelValue: drawable.shownMax,
    invert: false,
    sizeInBytes: shown.byteLength,
    dataType: shown.constructor.name,
    photometricInterpretation: drawable.color ? "RGB" : "MONOCHROME2",
    imageFrame: {},
    voxelManager,
    getPixelData: () => shown,
  } as unknown as Types.IImage;
  return marked(image, drawable);
}
