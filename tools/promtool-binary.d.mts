export declare const HOW_TO_GET_PROMTOOL: string;
export declare const PROMTOOL_CACHE: string;
export declare function findPromtool(): string | undefined;
export declare function promtoolVersion(file: string): string;
