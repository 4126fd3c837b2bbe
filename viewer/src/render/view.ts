import { Enums, getShouldUseCPURendering, type RenderingEngine, type Types } from "@cornerstonejs/core";

import type { Frame } from "../dicom/frames";
import type { Point } from "../dicom/spacing";
import type { Window } from "../dicom/window";
import { drawableBehind, shownRange, type Drawable } from "./drawable";
import { imageIdOf } from "./engine";

/** Where the image lies on its element, in CSS pixels: the corner of its first pixel and the size of one pixel. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly across: number;
  readonly down: number;
}

/** Which point of the image lies in the middle of the element, and how large a pixel is beside the element's height. */
export interface Aim {
  readonly column: number;
  readonly row: number;
  readonly scale: number;
}

/** One stack of images on the screen, in terms of pixels and of windows in modality units. */
export class StackView {
  private readonly viewport: Types.IStackViewport;
  private frames: readonly Frame[] = [];
  private shape = "";

  constructor(
    private readonly engine: RenderingEngine,
    private readonly id: string,
    private readonly element: HTMLDivElement,
    onRendered: () => void,
  ) {
    engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element, defaultOptions: { background: [0, 0, 0] } });
    this.viewport = engine.getViewport(id) as Types.IStackViewport;
    element.addEventListener(Enums.Events.IMAGE_RENDERED, onRendered);
  }

  /** Shows a frame whose pixels are already in memory. */
  async show(frames: readonly Frame[], index: number, look: (drawable: Drawable) => { window: Window; invert: boolean }): Promise<void> {
    const shape = shapeOf(frames[index]!);
    if (frames !== this.frames || shape !== this.shape) {
      Object.assign(this, { frames, shape });
      await this.viewport.setStack(frames.map(imageIdOf), index);
      this.viewport.resetCamera();
    } else {
      await this.viewport.setImageIdIndex(index);
    }
    const drawable = this.drawable();
    if (drawable !== undefined) this.setLook(drawable, look(drawable));
  }

  /** What is on the screen now, or about to be drawn. */
  drawable(): Drawable | undefined {
    return drawableBehind(this.viewport.getCornerstoneImage());
  }

  setLook(drawable: Drawable, look: { window: Window; invert: boolean }): void {
    this.viewport.setProperties({ voiRange: shownRange(drawable, look.window), invert: look.invert });
    this.viewport.render();
  }

  placement(): Placement {
    const frame = this.drawable()?.frame;
    if (frame === undefined) return { left: 0, top: 0, across: 1, down: 1 };
    const { rows, columns } = frame.layout;
    const [left, top] = this.viewport.worldToCanvas(worldOf(frame, [0, 0]));
    const [right, bottom] = this.viewport.worldToCanvas(worldOf(frame, [columns, rows]));
    const half = getShouldUseCPURendering() ? 0 : 0.5;
    const across = (right - left) / columns;
    const down = (bottom - top) / rows;
    return { left: left - half * across, top: top - half * down, across, down };
  }

  /** Enlarges around a point of the element, given in CSS pixels. */
  zoomBy(factor: number, at: Types.Point2): void {
    const camera = this.viewport.getCamera();
    const fixed = this.viewport.canvasToWorld(at);
    // On the processor, parallelScale is wrong by the ratio of the spacings; the scale is right in every case.
    const nearer = getShouldUseCPURendering() ? { scale: (camera.scale ?? 1) * factor } : { parallelScale: (camera.parallelScale ?? 1) / factor };
    this.viewport.setCamera(nearer);
    const moved = this.viewport.worldToCanvas(fixed);
    this.panBy(at[0] - moved[0], at[1] - moved[1]);
  }

  panBy(dx: number, dy: number): void {
    const camera = this.viewport.getCamera();
    const from = this.viewport.canvasToWorld([0, 0]);
    const to = this.viewport.canvasToWorld([-dx, -dy]);
    const shifted = (point: Types.Point3 | undefined): Types.Point3 =>
      [0, 1, 2].map((axis) => (point?.[axis] ?? 0) + to[axis]! - from[axis]!) as Types.Point3;
    this.viewport.setCamera({ focalPoint: shifted(camera.focalPoint), position: shifted(camera.position) });
    this.viewport.render();
  }

  aim(): Aim | undefined {
    const { left, top, across, down } = this.placement();
    const { clientWidth: width, clientHeight: height } = this.element;
    if (this.drawable() === undefined || height === 0) return undefined;
    return { column: (width / 2 - left) / across, row: (height / 2 - top) / down, scale: across / height };
  }

  aimAt({ column, row, scale }: Aim): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    this.zoomBy((scale * height) / this.placement().across, [0, 0]);
    const { left, top, across, down } = this.placement();
    this.panBy(width / 2 - left - column * across, height / 2 - top - row * down);
  }

  fit(): void {
    this.viewport.resetCamera();
    this.viewport.render();
  }

  resize(): void {
    this.engine.resize(true, true);
  }

  destroy(): void {
    this.engine.disableElement(this.id);
    this.element.replaceChildren();
  }
}

/** What must stay the same from image to image for zoom and position to carry over. */
function shapeOf({ layout, spacing, plane }: Frame): string {
  const directions = plane === undefined ? [] : [...plane.row, ...plane.column].map((part) => part.toFixed(2));
  return [layout.rows, layout.columns, spacing.row, spacing.column, ...directions].join(" ");
}

/** The point of the patient at a pixel position counted from the centre of the first pixel. */
function worldOf(frame: Frame, [column, row]: Point): Types.Point3 {
  const origin = frame.plane?.origin ?? [0, 0, 0];
  const across = frame.plane?.row ?? [1, 0, 0];
  const down = frame.plane?.column ?? [0, 1, 0];
  const { spacing } = frame;
  return [0, 1, 2].map((axis) => origin[axis]! + across[axis]! * column * spacing.column + down[axis]! * row * spacing.row) as Types.Point3;
}
