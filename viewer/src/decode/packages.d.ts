/** The codec packages bring no types of their own. */
declare module "@cornerstonejs/codec-*/decodewasmjs" {
  const factory: (options: { locateFile: () => string }) => Promise<never>;
  export default factory;
}

declare module "@cornerstonejs/codec-openjph/wasmjs" {
  const factory: (options: { locateFile: () => string }) => Promise<never>;
  export default factory;
}
