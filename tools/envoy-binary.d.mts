export declare const ENVOY_VERSION: string;
export declare const OLDER_ENVOY_VERSION: string;
export declare const HOW_TO_GET_ENVOY: string;
export declare function cacheOf(version: string): string;
export declare function findEnvoy(version?: string): string | undefined;
export declare function findReleases(): string[];
export declare function envoyVersion(file: string): string;
