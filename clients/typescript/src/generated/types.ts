// Written by tools/typescript-client.mjs from docs/reference/openapi.json: "npm run openapi" writes it anew.

export interface Finding {
  /** RFC 6901 pointer into the document that was sent. */
  readonly pointer: string;
  /** Stable identifier of the rule. */
  readonly rule: string;
  readonly detail: string;
  readonly severity: 'error' | 'warning';
}

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly Finding[];
} & Readonly<Record<string, unknown>>;

export interface Login {
  /** Upper and lower case are the same. */
  readonly email: string;
  readonly password: string;
}

export interface Session {
  /** For `Authorization: Bearer`. */
  readonly accessToken: string;
  /** Seconds that the access token is valid. */
  readonly expiresIn: number;
  /** Gets the next session, once. */
  readonly refreshToken: string;
}

export interface RefreshToken {
  /** The newest refresh token of the login. */
  readonly refreshToken: string;
}

export interface AcceptInvitation {
  /** The token of the invitation; it works once. */
  readonly token: string;
  readonly password: string;
}

export interface Principal {
  readonly kind: 'user' | 'api_key';
  /** The user, or the API key. */
  readonly id: string;
  /** The e-mail of the user, or the name of the API key. */
  readonly name: string;
  /** The user that an API key acts as. */
  readonly email: string;
  readonly platformAdmin?: boolean;
}

export interface TenantRef {
  readonly id: string;
  readonly name: string;
}

export interface Me {
  readonly principal: Principal;
  readonly tenant: TenantRef;
  readonly role: 'viewer' | 'operator' | 'admin';
  /** Entries `resource:action` that are granted, and behind a minus those that are denied. */
  readonly permissions: readonly string[];
}

export interface ChangePassword {
  readonly currentPassword: string;
  readonly newPassword: string;
}

export interface CreateApiKey {
  /** Unique among the active keys of the tenant. */
  readonly name: string;
  /** What the key may do, as `resource:action`; at most what its maker may. Absent: all of that. */
  readonly permissions?: readonly string[];
  /** Absent: no end. */
  readonly expiresAt?: string;
}

export interface IssuedApiKey {
  readonly id: string;
  readonly name: string;
  /** The beginning of the key, to recognise it by. */
  readonly keyPrefix: string;
  /** The user that the key acts as. */
  readonly userId: string;
  /** Null: all that the user may. */
  readonly permissions: readonly string[] | null;
  readonly expiresAt: string | null;
  /** Some seconds late; null for never. */
  readonly lastUsedAt: string | null;
  readonly createdAt: string;
  /** The key itself. It is shown this once. */
  readonly key: string;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** The beginning of the key, to recognise it by. */
  readonly keyPrefix: string;
  /** The user that the key acts as. */
  readonly userId: string;
  /** Null: all that the user may. */
  readonly permissions: readonly string[] | null;
  readonly expiresAt: string | null;
  /** Some seconds late; null for never. */
  readonly lastUsedAt: string | null;
  readonly createdAt: string;
}

export interface ApiKeyPage {
  readonly items: readonly ApiKey[];
  readonly nextCursor: string | null;
}

export interface FirstAdmin {
  readonly email: string;
  readonly fullName?: string;
}

export interface CreateTenant {
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Unique in the installation. */
  readonly name: string;
  /** Is invited as admin. Absent: invite people through X-EFMS-Tenant. */
  readonly admin?: FirstAdmin;
}

export interface Invitation {
  /** For `POST /auth/accept-invitation`. It is shown this once. */
  readonly token: string;
  readonly expiresAt: string;
}

export interface MadeTenant {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly state: 'open' | 'closed';
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly closedAt: string | null;
  /** For the first admin, if one was named. */
  readonly invitation: Invitation | null;
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly state: 'open' | 'closed';
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly closedAt: string | null;
}

export interface TenantPage {
  readonly items: readonly Tenant[];
  readonly nextCursor: string | null;
}

export interface PutTenant {
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface PatchTenant {
  readonly name?: string;
  readonly description?: string | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface InviteUser {
  readonly fullName?: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  /** Entries `resource:action` that widen (true) or narrow (false) the role; a denial wins. */
  readonly permissions?: Readonly<Record<string, boolean>>;
  /** Logs in to this tenant only. Case is the same. */
  readonly email: string;
  /** Unique in the tenant. Absent: the e-mail. */
  readonly username?: string;
}

export interface InvitedUser {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly fullName: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly permissions: Readonly<Record<string, boolean>>;
  readonly platformAdmin: boolean;
  readonly state: 'invited' | 'active' | 'deactivated' | 'anonymised';
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly invitation: Invitation;
}

export interface User {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly fullName: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly permissions: Readonly<Record<string, boolean>>;
  readonly platformAdmin: boolean;
  readonly state: 'invited' | 'active' | 'deactivated' | 'anonymised';
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface UserPage {
  readonly items: readonly User[];
  readonly nextCursor: string | null;
}

export interface PatchUser {
  readonly username?: string;
  readonly fullName?: string | null;
  readonly role?: 'viewer' | 'operator' | 'admin';
  readonly permissions?: Readonly<Record<string, boolean | null>>;
}

export interface Locality {
  readonly region?: string;
  readonly zone?: string;
  readonly subZone?: string;
}

export interface CreateProxy {
  /** The identity that the Envoy states; unique in the tenant. */
  readonly nodeId: string;
  /** At most 64; keys up to 63 and values up to 128 letters, digits and a few signs. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The node's own cluster; not an upstream cluster. */
  readonly cluster?: string;
  readonly locality?: Locality;
  /** Goes into the metadata of the node in the rendered bootstrap. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Where the admin interface listens. Who reaches it can stop the Envoy: keep it to itself where you can. */
  readonly adminAddress?: string;
  readonly adminPort?: number;
  /** How it closes connections when it drains; goes into the start command. */
  readonly drainStrategy?: 'gradual' | 'immediate';
  /** The virtual machine that it runs on, for instance `name:web-1`; not needed with `container`. */
  readonly vm?: string;
  /** The container that it runs in, for instance `name:web-1/envoy`. */
  readonly container?: string;
  /** Unique in the tenant. */
  readonly name: string;
}

export interface VmRef {
  readonly id: string;
  readonly hostname: string;
}

export interface NamedRef {
  readonly id: string;
  readonly name: string;
}

export interface ProxyStatus {
  readonly connection: 'connected' | 'disconnected' | 'never_seen';
  readonly management: 'managed' | 'unmanaged' | 'frozen';
  /** As people say it: POST …/lifecycle changes it. */
  readonly lifecycle: 'running' | 'draining' | 'stopped';
  readonly envoyVersion: string | null;
  readonly connectedAt: string | null;
}

export interface Proxy {
  readonly id: string;
  readonly name: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cluster: string | null;
  readonly locality: Locality | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  /** Its container's machine where it runs in one. */
  readonly vm: VmRef | null;
  readonly container: NamedRef | null;
  readonly status: ProxyStatus;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ProxyPage {
  readonly items: readonly Proxy[];
  readonly nextCursor: string | null;
}

export interface PutProxy {
  /** The identity that the Envoy states; unique in the tenant. */
  readonly nodeId: string;
  /** At most 64; keys up to 63 and values up to 128 letters, digits and a few signs. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The node's own cluster; not an upstream cluster. */
  readonly cluster?: string;
  readonly locality?: Locality;
  /** Goes into the metadata of the node in the rendered bootstrap. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Where the admin interface listens. Who reaches it can stop the Envoy: keep it to itself where you can. */
  readonly adminAddress?: string;
  readonly adminPort?: number;
  /** How it closes connections when it drains; goes into the start command. */
  readonly drainStrategy?: 'gradual' | 'immediate';
  /** The virtual machine that it runs on, for instance `name:web-1`; not needed with `container`. */
  readonly vm?: string;
  /** The container that it runs in, for instance `name:web-1/envoy`. */
  readonly container?: string;
}

export interface PatchProxy {
  readonly name?: string;
  readonly nodeId?: string;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly cluster?: string | null;
  readonly locality?: Locality | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly adminAddress?: string | null;
  readonly adminPort?: number | null;
  readonly drainStrategy?: 'gradual' | 'immediate' | null;
  readonly vm?: string | null;
  readonly container?: string | null;
}

export interface CreateProxyCredential {
  /** For people, to tell credentials apart. */
  readonly name?: string;
  /** Absent: no end. */
  readonly expiresAt?: string;
  /** PEM of a client certificate, which then is the credential in the place of a token; its chain may follow, its key must not. No CA has to be trusted: the proxy is known by this very certificate, until the certificate ends at the latest. Needs TLS on the xDS port. */
  readonly certificate?: string;
}

export interface ClientCertificate {
  /** SHA-256 of the certificate in hexadecimal. */
  readonly fingerprintSha256: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface NewProxyCredential {
  readonly id: string;
  readonly kind: 'token' | 'certificate';
  readonly name: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedReason: string | null;
  readonly createdAt: string;
  /** Null for a token. */
  readonly certificate: ClientCertificate | null;
  /** The complete bootstrap as YAML, token included. It is shown this once. */
  readonly bootstrap: string;
  /** Starts Envoy with the bootstrap in `bootstrap.yaml`. */
  readonly startCommand: string;
  /** The token itself. It is shown this once. Null for a certificate. */
  readonly token: string | null;
}

export interface ProxyCredential {
  readonly id: string;
  readonly kind: 'token' | 'certificate';
  readonly name: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedReason: string | null;
  readonly createdAt: string;
  /** Null for a token. */
  readonly certificate: ClientCertificate | null;
}

export interface ProxyCredentialPage {
  readonly items: readonly ProxyCredential[];
  readonly nextCursor: string | null;
}

export interface RotateProxyCredential {
  /** How long the old token goes on beside the new one, as a Go duration; `0` ends it at once. */
  readonly overlap?: string;
  /** That of the old one unless told. */
  readonly name?: string;
}

export interface IssuedProxyCredential {
  readonly id: string;
  readonly kind: 'token' | 'certificate';
  readonly name: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedReason: string | null;
  readonly createdAt: string;
  /** Null for a token. */
  readonly certificate: ClientCertificate | null;
  /** The complete bootstrap as YAML, token included. It is shown this once. */
  readonly bootstrap: string;
  /** Starts Envoy with the bootstrap in `bootstrap.yaml`. */
  readonly startCommand: string;
  /** The token itself. It is shown this once. */
  readonly token: string;
}

export interface ChangeLifecycle {
  readonly state: 'running' | 'draining' | 'stopped';
  readonly reason?: string;
}

export interface MembershipActor {
  readonly kind: 'user' | 'api_key' | 'system' | 'proxy';
  readonly id: string | null;
  readonly name: string;
}

export interface LifecycleEvent {
  readonly id: string;
  readonly at: string;
  readonly from: 'running' | 'draining' | 'stopped';
  readonly to: 'running' | 'draining' | 'stopped';
  /** Empty where none was given. */
  readonly reason: string;
  /** The proxy, by the name that it had then; it may be gone. */
  readonly proxy: NamedRef;
  readonly actor: MembershipActor;
}

export interface LifecycleEventPage {
  readonly items: readonly LifecycleEvent[];
  readonly nextCursor: string | null;
}

export interface CreateProxyGroup {
  readonly description?: string;
  /** Labels of the group itself. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The group above, as `name:<name>` or UUID: what targets it targets this one too. */
  readonly parent?: string;
  /** Proxies whose labels satisfy every term belong to the group, beside those put into it: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`. */
  readonly selector?: string;
  /** How changes to the group are meant to go; a deployment states its own strategy. */
  readonly selectionStrategy?: 'all' | 'canary_percentage' | 'blue_green';
  /** Deployments that name an inactive group are refused. */
  readonly isActive?: boolean;
  /** Unique in the tenant. */
  readonly name: string;
}

export interface ProxyGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly parent: NamedRef | null;
  readonly selector: string | null;
  readonly selectionStrategy: 'all' | 'canary_percentage' | 'blue_green';
  readonly isActive: boolean;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ProxyGroupPage {
  readonly items: readonly ProxyGroup[];
  readonly nextCursor: string | null;
}

export interface PutProxyGroup {
  readonly description?: string;
  /** Labels of the group itself. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The group above, as `name:<name>` or UUID: what targets it targets this one too. */
  readonly parent?: string;
  /** Proxies whose labels satisfy every term belong to the group, beside those put into it: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`. */
  readonly selector?: string;
  /** How changes to the group are meant to go; a deployment states its own strategy. */
  readonly selectionStrategy?: 'all' | 'canary_percentage' | 'blue_green';
  /** Deployments that name an inactive group are refused. */
  readonly isActive?: boolean;
}

export interface PatchProxyGroup {
  readonly name?: string;
  readonly description?: string | null;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly parent?: string | null;
  readonly selector?: string | null;
  readonly selectionStrategy?: 'all' | 'canary_percentage' | 'blue_green' | null;
  readonly isActive?: boolean | null;
}

export interface GroupMember {
  readonly proxy: NamedRef;
  /** Why it belongs to the group. */
  readonly sources: readonly ('static' | 'selector')[];
  readonly joinedAt: string;
}

export interface GroupMemberPage {
  readonly items: readonly GroupMember[];
  readonly nextCursor: string | null;
}

export interface MembershipEvent {
  readonly id: string;
  readonly at: string;
  readonly change: 'joined' | 'left';
  readonly source: 'static' | 'selector';
  /** What changed it: a person, labels of the proxy, the selector of the group, … */
  readonly reason: 'added' | 'removed' | 'labels' | 'selector' | 'proxy_deleted' | 'enrolled';
  /** As it was called then; it may be gone. */
  readonly proxy: NamedRef;
  readonly actor: MembershipActor;
}

export interface MembershipEventPage {
  readonly items: readonly MembershipEvent[];
  readonly nextCursor: string | null;
}

export interface CreateVm {
  /** IPv4 or IPv6. */
  readonly ipAddress?: string;
  readonly region?: string;
  readonly availabilityZone?: string;
  readonly cpuCores?: number;
  readonly memoryMb?: number;
  readonly diskGb?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Unique in the tenant; what `name:` addresses. */
  readonly hostname: string;
}

export interface Vm {
  readonly id: string;
  readonly hostname: string;
  readonly ipAddress: string | null;
  readonly region: string | null;
  readonly availabilityZone: string | null;
  readonly cpuCores: number | null;
  readonly memoryMb: number | null;
  readonly diskGb: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Unknown until an agent reports. */
  readonly status: 'unknown' | 'healthy' | 'unhealthy' | 'offline';
  readonly lastHeartbeat: string | null;
  /** How many containers are on it. */
  readonly containers: number;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface VmPage {
  readonly items: readonly Vm[];
  readonly nextCursor: string | null;
}

export interface PutVm {
  /** IPv4 or IPv6. */
  readonly ipAddress?: string;
  readonly region?: string;
  readonly availabilityZone?: string;
  readonly cpuCores?: number;
  readonly memoryMb?: number;
  readonly diskGb?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface PatchVm {
  readonly hostname?: string;
  readonly ipAddress?: string | null;
  readonly region?: string | null;
  readonly availabilityZone?: string | null;
  readonly cpuCores?: number | null;
  readonly memoryMb?: number | null;
  readonly diskGb?: number | null;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface ResourceLimits {
  readonly cpus?: number;
  readonly memoryMb?: number;
  readonly pids?: number;
}

export interface CreateContainer {
  /** The virtual machine that it is on. */
  readonly vm: string;
  /** The container engine's id. It changes each time the container is made anew; the name stays. */
  readonly containerId: string;
  readonly image?: string;
  readonly imageDigest?: string;
  readonly resourceLimits?: ResourceLimits;
  /** Environment variables. Names that stand for secrets are refused: every reader of the tenant sees them. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Unique in the tenant. */
  readonly name: string;
}

export interface ContainerStatus {
  readonly status: 'unknown' | 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removed';
  readonly health: 'unknown' | 'starting' | 'healthy' | 'unhealthy';
  readonly restartCount: number;
  /** Of the process that ended last, while none runs. */
  readonly exitCode: number | null;
  readonly startedAt: string | null;
  /** When it last changed. */
  readonly asOf: string | null;
}

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly containerId: string;
  readonly vm: VmRef;
  readonly image: string | null;
  readonly imageDigest: string | null;
  readonly resourceLimits: ResourceLimits;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: ContainerStatus;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ContainerPage {
  readonly items: readonly Container[];
  readonly nextCursor: string | null;
}

export interface PutContainer {
  /** The virtual machine that it is on. */
  readonly vm: string;
  /** The container engine's id. It changes each time the container is made anew; the name stays. */
  readonly containerId: string;
  readonly image?: string;
  readonly imageDigest?: string;
  readonly resourceLimits?: ResourceLimits;
  /** Environment variables. Names that stand for secrets are refused: every reader of the tenant sees them. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PatchContainer {
  readonly name?: string;
  readonly vm?: string;
  readonly containerId?: string;
  readonly image?: string | null;
  readonly imageDigest?: string | null;
  readonly resourceLimits?: ResourceLimits | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string | null>>;
}

export interface ReportContainerEvent {
  readonly kind:
    | 'created'
    | 'started'
    | 'paused'
    | 'unpaused'
    | 'restarting'
    | 'restarted'
    | 'stopped'
    | 'died'
    | 'oom_killed'
    | 'removed'
    | 'healthy'
    | 'unhealthy';
  /** When it happened; now unless told. */
  readonly at?: string;
  readonly exitCode?: number;
  readonly message?: string;
}

export interface ContainerEvent {
  readonly id: string;
  readonly kind:
    | 'created'
    | 'started'
    | 'paused'
    | 'unpaused'
    | 'restarting'
    | 'restarted'
    | 'stopped'
    | 'died'
    | 'oom_killed'
    | 'removed'
    | 'healthy'
    | 'unhealthy';
  /** When it happened. */
  readonly at: string;
  readonly recordedAt: string;
  readonly exitCode: number | null;
  readonly message: string;
  readonly actor: MembershipActor;
}

export interface ContainerEventPage {
  readonly items: readonly ContainerEvent[];
  readonly nextCursor: string | null;
}

export interface CreateEnrolmentToken {
  /** Unique in the tenant. */
  readonly name: string;
  /** What proxies that enrol with it are put into. */
  readonly group?: string;
  /** Labels of proxies that enrol with it; machines do not choose their own. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly maxUses?: number;
  readonly expiresAt: string;
}

export interface IssuedEnrolmentToken {
  readonly id: string;
  readonly name: string;
  readonly group: NamedRef | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly maxUses: number;
  readonly uses: number;
  readonly expiresAt: string;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  /** The token itself. It is shown this once. */
  readonly token: string;
}

export interface EnrolmentToken {
  readonly id: string;
  readonly name: string;
  readonly group: NamedRef | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly maxUses: number;
  readonly uses: number;
  readonly expiresAt: string;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
}

export interface EnrolmentTokenPage {
  readonly items: readonly EnrolmentToken[];
  readonly nextCursor: string | null;
}

export interface Enrol {
  /** Where it is not sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** The identity that the Envoy will state. */
  readonly nodeId: string;
  /** Of a proxy that is new; its node id unless told. */
  readonly name?: string;
  readonly cluster?: string;
  readonly locality?: Locality;
  readonly adminPort?: number;
}

export interface EnrolledProxy {
  readonly id: string;
  readonly name: string;
  readonly nodeId: string;
}

export interface Enrolled {
  readonly proxy: EnrolledProxy;
  readonly credential: IssuedProxyCredential;
}

export interface BatchedItem {
  /** Which of the items that were sent. */
  readonly index: number;
  /** What the write would be answered with if it came alone. */
  readonly status: 200 | 201 | 204;
  readonly id: string;
  readonly name: string;
  /** Null for what is deleted. */
  readonly etag: string | null;
}

export interface BatchAnswer {
  /** In the order of the items that were sent. */
  readonly items: readonly BatchedItem[];
}

export interface OverlayWarning {
  /** A JSON pointer into the body. */
  readonly pointer: string;
  readonly rule: string;
  readonly detail: string;
  readonly severity: 'warning';
}

export interface OverlayReport {
  readonly findings: readonly OverlayWarning[];
}

export interface CreateEndpointOverride {
  /** Of the endpoint set: its `cluster_name` in snapshots. */
  readonly clusterName: string;
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly port: number;
  /** What proxies are told of its health, as Envoy means it. Absent: what the snapshot says. */
  readonly healthStatus?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';
  /** Absent: what the snapshot says. Without effect where the weights of the locality would exceed what Envoy takes. */
  readonly weight?: number;
  /** True is the same as `healthStatus` DRAINING. */
  readonly drain?: boolean;
  readonly reason: string;
  /** When it ends by itself, on the clock of the database. Absent: never. */
  readonly expiresAt?: string;
  /** Unique in the tenant; what `name:` addresses. */
  readonly name: string;
}

export interface EndpointOverride {
  readonly id: string;
  readonly name: string;
  readonly clusterName: string;
  readonly address: string;
  readonly port: number;
  readonly healthStatus: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED' | null;
  readonly weight: number | null;
  readonly reason: string;
  readonly expiresAt: string | null;
  /** False once it has expired; it is then removed within seconds. */
  readonly inEffect: boolean;
  /** Whether a snapshot that some proxy is assigned has the endpoint; where none has, nothing is changed. */
  readonly applies: boolean;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface EndpointOverridePage {
  readonly items: readonly EndpointOverride[];
  readonly nextCursor: string | null;
}

export interface PutEndpointOverride {
  /** Of the endpoint set: its `cluster_name` in snapshots. */
  readonly clusterName: string;
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly port: number;
  /** What proxies are told of its health, as Envoy means it. Absent: what the snapshot says. */
  readonly healthStatus?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';
  /** Absent: what the snapshot says. Without effect where the weights of the locality would exceed what Envoy takes. */
  readonly weight?: number;
  /** True is the same as `healthStatus` DRAINING. */
  readonly drain?: boolean;
  readonly reason: string;
  /** When it ends by itself, on the clock of the database. Absent: never. */
  readonly expiresAt?: string;
}

export interface PatchEndpointOverride {
  readonly name?: string;
  readonly clusterName?: string;
  readonly address?: string;
  readonly port?: number;
  readonly healthStatus?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED' | null;
  readonly weight?: number | null;
  readonly drain?: boolean | null;
  readonly reason?: string;
  readonly expiresAt?: string | null;
}

export interface SyncError {
  /** gRPC status code. */
  readonly code: number;
  /** Envoy's words, without what they carried of the resource. */
  readonly message: string;
  readonly at: string;
}

export interface TypeSync {
  /** STALE: sent, and neither acknowledged nor refused yet. ERROR: refused. */
  readonly state: 'SYNCED' | 'NOT_SENT' | 'STALE' | 'ERROR';
  readonly sentVersion: string | null;
  readonly sentAt: string | null;
  readonly ackedVersion: string | null;
  readonly ackedAt: string | null;
  readonly error?: SyncError;
}

export interface Assigned {
  /** Its hash. */
  readonly snapshot: string;
  readonly versionId: string | null;
  readonly assignedAt: string;
}

export interface HeldBack {
  /** It was refused, or processes that were sent it went down. */
  readonly reason: 'nack' | 'crash_loop';
  /** Envoy's words, without what they carried of the resource; null after a crash loop. */
  readonly message: string | null;
  readonly at: string;
  /** When it is offered again by itself; null where that waits for an operator's word or a new process. */
  readonly retryAt: string | null;
}

export interface ProxySync {
  readonly connection: 'connected' | 'disconnected' | 'never_seen';
  readonly management: 'managed' | 'unmanaged' | 'frozen';
  readonly assigned: Assigned | null;
  /** Set while the assigned snapshot is held back from the proxy, which is served its last good one. */
  readonly heldBack: HeldBack | null;
  /** By kind: those of the assigned snapshot, and those that the proxy was ever sent. While the assigned snapshot is held back, the states are those of the last good one. */
  readonly sync: Readonly<Record<string, TypeSync>>;
  /** Whether the proxy has all of what it is assigned, and is connected. */
  readonly converged: boolean;
}

export interface LastGood {
  /** The last snapshot that the proxy acknowledged in full. */
  readonly snapshot: string;
  readonly since: string;
}

export interface Quarantine {
  readonly snapshot: string;
  /** nack: Envoy refused it. crash_loop: two processes in a row went down soon after they were sent it. */
  readonly reason: 'nack' | 'crash_loop';
  /** machine: a port, file, right or limit of the machine stands in the way, so it is tried again by itself. */
  readonly cause: 'content' | 'machine';
  /** Held back now; false once it was offered again. */
  readonly held: boolean;
  readonly heldAt: string;
  readonly offeredAt: string | null;
  /** When it is offered again by itself. */
  readonly retryAt: string | null;
  /** The type of the refused response. */
  readonly kind: 'cluster' | 'endpoint' | 'listener' | 'route' | 'secret' | 'runtime' | 'extensionConfig' | null;
  /** gRPC status code. */
  readonly code: number | null;
  /** Envoy's words, without what they carried of the resource. */
  readonly message: string | null;
  /** Names of the refused response that stand in the message. Envoy does not say which ones it refused. */
  readonly suspects: readonly string[];
}

export interface TypeOnStream {
  readonly kind: 'cluster' | 'endpoint' | 'listener' | 'route' | 'secret' | 'runtime' | 'extensionConfig';
  readonly sentVersion: string | null;
  readonly sentAt: string | null;
  /** Resources in the last response. */
  readonly resources: number;
  readonly ackedVersion: string | null;
  readonly ackedAt: string | null;
  /** A refusal that no ACK of the type has followed. */
  readonly refusal: SyncError | null;
}

export interface XdsStream {
  readonly id: string;
  readonly variant: 'sotw' | 'delta';
  readonly peer: string;
  /** The process of EFMS that serves it. */
  readonly replica: string;
  /** The process of Envoy, as its start command named it. */
  readonly bootId: string | null;
  readonly envoyVersion: string | null;
  readonly connectedAt: string;
  readonly endedAt: string | null;
  /** The snapshot that it is being served. */
  readonly serving: string | null;
  /** The snapshot that it has in full. */
  readonly converged: string | null;
  readonly management: 'managed' | 'unmanaged' | 'frozen';
  readonly types: readonly TypeOnStream[];
}

export interface ProxyXds {
  /** Where the proxy stands, and what would change that. */
  readonly summary: readonly string[];
  readonly assigned: Assigned | null;
  /** What it is served: the assigned snapshot or, while that is held back, the last good one. */
  readonly served: string | null;
  readonly lastGood: LastGood | null;
  readonly quarantines: readonly Quarantine[];
  /** Its live streams, newest first, or its last one. */
  readonly streams: readonly XdsStream[];
}

export interface TlsCertificate {
  /** PEM: the own certificate, then those that lead to its CA. */
  readonly certificateChain: string;
  /** PEM, not encrypted; RSA of 2048 bits or more, or ECDSA. */
  readonly privateKey: string;
}

export interface SubjectAltName {
  readonly type: 'dns' | 'uri' | 'email' | 'ip';
  /** Exactly one of these is given. */
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
}

export interface ValidationContext {
  /** PEM: the CAs that the other side is trusted by. */
  readonly trustedCa?: string;
  /** One of them has to match. */
  readonly subjectAltNames?: readonly SubjectAltName[];
  /** SHA-256 of certificates in hexadecimal. */
  readonly certificateHashes?: readonly string[];
  /** SHA-256 of public keys in base64. */
  readonly spkiHashes?: readonly string[];
}

export interface GenericSecret {
  /** Text; or give `base64`. */
  readonly value?: string;
  /** Bytes in base64. */
  readonly base64?: string;
}

export interface SessionTicketKeys {
  /** Keys of 80 bytes in base64; new tickets are sealed with the first, the others still open old ones. */
  readonly keys: readonly string[];
}

export interface SecretValues {
  readonly tlsCertificate?: TlsCertificate;
  readonly validationContext?: ValidationContext;
  readonly genericSecret?: GenericSecret;
  readonly sessionTicketKeys?: SessionTicketKeys;
}

export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** SHA-256 of the certificate in hexadecimal. */
  readonly fingerprintSha256: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

export interface SecretWarning {
  /** RFC 6901, into the request. */
  readonly pointer: string;
  readonly rule: string;
  readonly detail: string;
  readonly severity: 'error' | 'warning';
}

export interface SecretAuthor {
  readonly kind: 'user' | 'api_key' | 'system' | 'proxy';
  readonly id: string | null;
  readonly name: string;
}

export interface SecretVersion {
  readonly number: number;
  /** Whether proxies are given this one. */
  readonly current: boolean;
  /** Equal for equal contents; it says nothing else about them. */
  readonly fingerprint: string;
  /** The own certificate first; or the CAs that are trusted. */
  readonly certificates: readonly Certificate[];
  /** Warnings of the checks. */
  readonly findings: readonly SecretWarning[];
  /** When the chain ends. */
  readonly expiresAt: string | null;
  readonly createdBy: SecretAuthor;
  readonly createdAt: string;
}

export interface SecretVersionPage {
  readonly items: readonly SecretVersion[];
  readonly nextCursor: string | null;
}

export interface CreateSecret {
  /** Unique in the tenant; snapshots refer to it by it. It stays. */
  readonly name: string;
  readonly description?: string;
  /** Shown and audited like any description: nothing secret belongs here. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly tlsCertificate?: TlsCertificate;
  readonly validationContext?: ValidationContext;
  readonly genericSecret?: GenericSecret;
  readonly sessionTicketKeys?: SessionTicketKeys;
}

export interface Secret {
  readonly id: string;
  readonly name: string;
  readonly type: 'tlsCertificate' | 'validationContext' | 'genericSecret' | 'sessionTicketKeys';
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The current one. */
  readonly version: SecretVersion;
  /** The ETag is this in quotes. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface SecretPage {
  readonly items: readonly Secret[];
  readonly nextCursor: string | null;
}

export interface SecretUse {
  readonly kind: 'branch' | 'assignment' | 'previousAssignment';
  readonly name: string;
  readonly id: string;
  readonly detail: string;
}

export interface SecretUses {
  /** At most 500 of each kind. */
  readonly items: readonly SecretUse[];
}

export interface PutSecret {
  readonly description?: string;
  /** Shown and audited like any description: nothing secret belongs here. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly tlsCertificate?: TlsCertificate;
  readonly validationContext?: ValidationContext;
  readonly genericSecret?: GenericSecret;
  readonly sessionTicketKeys?: SessionTicketKeys;
}

export interface PatchSecret {
  readonly description?: string | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface Latency {
  /** Requests whose time was reported. */
  readonly count: number;
  /** Milliseconds, as near as the buckets of the histograms tell. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export interface TrafficPoint {
  /** When the step begins. */
  readonly at: string;
  /** By `by`: the cluster; `region/zone/subZone`; the hash of the snapshot that the proxy had in full, empty where it changed meanwhile. Null without `by`. */
  readonly series: string | null;
  /** Requests to endpoints that came to an end. */
  readonly requests: number;
  /** Requests a second. */
  readonly rate: number;
  /** Requests answered with 5xx, reset, or never connected. */
  readonly errors: number;
  /** Share of the requests, from 0 to 1. */
  readonly errorRate: number | null;
  /** Requests that were not sent, by drop overload. */
  readonly dropped: number;
  /** Null where proxies report no histograms, and by locality. */
  readonly latency: Latency | null;
}

export interface TrafficPage {
  readonly items: readonly TrafficPoint[];
  readonly nextCursor: string | null;
}

export interface CreateConfiguration {
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Unique in the tenant. */
  readonly name: string;
}

export interface Branch {
  readonly name: string;
  /** Number of the newest version, if any. */
  readonly head: number | null;
}

export interface Configuration {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly kind: 'configuration' | 'template';
  readonly tags: readonly string[];
  readonly branches: readonly Branch[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ConfigurationContent {
  readonly description?: string;
  readonly tags?: readonly string[];
}

export interface PatchConfiguration {
  readonly description?: string | null;
  readonly tags?: readonly string[] | null;
}

export interface ConfigurationPage {
  readonly items: readonly Configuration[];
  readonly nextCursor: string | null;
}

export interface Warning {
  /** RFC 6901, into the request. */
  readonly pointer: string;
  /** Stable identifier of the rule. */
  readonly rule: string;
  readonly detail: string;
  readonly severity: 'error' | 'warning';
}

export interface ResourceName {
  readonly kind: string;
  readonly name: string;
}

export interface JsonChange {
  readonly op: 'add' | 'remove' | 'replace';
  /** RFC 6901, within the resource. */
  readonly pointer: string;
  /** What was there. */
  readonly before?: Readonly<Record<string, unknown>> | readonly unknown[] | string | number | boolean | null;
  /** What is there. */
  readonly value?: Readonly<Record<string, unknown>> | readonly unknown[] | string | number | boolean | null;
}

export interface ChangedResource {
  readonly kind: string;
  readonly name: string;
  readonly changes: readonly JsonChange[];
}

export interface SnapshotDiff {
  readonly added: readonly ResourceName[];
  readonly removed: readonly ResourceName[];
  readonly changed: readonly ChangedResource[];
}

export interface CommitReport {
  /** The number it would get; the number of the head where nothing changes. */
  readonly number: number;
  readonly branch: string;
  readonly hash: string;
  readonly snapshotHash: string;
  readonly findings: readonly Warning[];
  readonly diff: SnapshotDiff;
  /** False where the content equals that of the head: then a commit makes no version. */
  readonly changes: boolean;
}

export interface ConfigurationName {
  readonly id: string;
  readonly name: string;
}

export interface Actor {
  readonly kind: 'user' | 'api_key' | 'system' | 'proxy';
  readonly id: string | null;
  readonly name: string;
}

export interface Version {
  readonly id: string;
  readonly configuration: ConfigurationName;
  readonly number: number;
  /** SHA-256 of the canonical JSON in hex: equal content, equal hash. */
  readonly hash: string;
  /** Hash of the encoded snapshot, by which assignments name it. */
  readonly snapshotHash: string;
  readonly branch: string;
  /** The version it was committed on. */
  readonly parent: number | null;
  readonly message: string;
  readonly validation: 'pending' | 'passed' | 'failed';
  /** Warnings of the validation. */
  readonly findings: readonly Warning[];
  readonly createdBy: Actor;
  readonly createdAt: string;
  /** With `include=snapshot`. */
  readonly snapshot?: Readonly<Record<string, unknown>>;
}

export interface CommitVersion {
  readonly branch?: string;
  /** Number of the version that you believe to be the head of the branch; null while it has none. */
  readonly expectedHead: number | null;
  readonly message?: string;
  /** Arrays of Envoy resources by kind (`listeners`, `routes`, `clusters`, `endpoints`, `secrets`, `runtimes`, `extensionConfigs`) in Envoy's proto3 JSON. */
  readonly snapshot: Readonly<Record<string, unknown>>;
}

export interface VersionPage {
  readonly items: readonly Version[];
  readonly nextCursor: string | null;
}

export interface VersionDiff {
  readonly added: readonly ResourceName[];
  readonly removed: readonly ResourceName[];
  readonly changed: readonly ChangedResource[];
  /** Null: compared with nothing. */
  readonly from: number | null;
  readonly to: number;
}

export interface DeploymentTargets {
  readonly proxies?: readonly string[];
  /** Proxy groups: whoever belongs to them, or to groups under them, when the deployment is made. */
  readonly groups?: readonly string[];
}

export interface Strategy {
  readonly type: 'immediate';
}

export interface StartDeployment {
  /** A UUID, or `name:` and the name of the configuration. */
  readonly configuration: string;
  readonly version: number;
  readonly targets: DeploymentTargets;
  readonly strategy: Strategy;
  /** How long a proxy may be connected without converging, as a Go duration in whole seconds. */
  readonly timeout?: string;
  /** Whether proxies that are not connected are waited for; those that are skipped get the version when they come back. */
  readonly disconnected?: 'wait' | 'skip';
  readonly notes?: string;
}

export interface DeployedConfiguration {
  /** Null once it is deleted. */
  readonly id: string | null;
  readonly name: string;
}

export interface DeployedVersion {
  readonly id: string | null;
  readonly number: number;
}

export interface TargetProxy {
  /** Null once it is deleted. */
  readonly id: string | null;
  readonly name: string;
}

export interface VersionName {
  readonly configuration: string;
  readonly number: number;
}

export interface PlannedTarget {
  readonly proxy: TargetProxy;
  /** What it is assigned now. */
  readonly current: VersionName | null;
  /** False where it has this content already. */
  readonly changes: boolean;
}

export interface PlannedChange {
  readonly from: VersionName | null;
  /** How many targets are on it. */
  readonly targets: number;
  readonly diff: SnapshotDiff;
}

export interface BusyProxy {
  readonly proxy: string;
  readonly deploymentId: string;
  readonly status: string;
}

export interface DeploymentPlan {
  readonly configuration: DeployedConfiguration;
  readonly version: DeployedVersion;
  readonly strategy: Strategy;
  readonly timeout: string;
  readonly disconnected: 'wait' | 'skip';
  readonly targets: readonly PlannedTarget[];
  /** What changes for the targets on each of the 20 most common contents that they have now. */
  readonly changes: readonly PlannedChange[];
  /** Proxies in other deployments; while there are any, a start answers 409. */
  readonly busy: readonly BusyProxy[];
}

export interface Progress {
  readonly total: number;
  readonly successful: number;
  readonly failed: number;
}

export interface DeploymentTarget {
  readonly id: string;
  readonly proxy: TargetProxy;
  readonly status: 'pending' | 'assigned' | 'succeeded' | 'failed' | 'skipped';
  readonly reason: 'nack' | 'crash_loop' | 'timeout' | 'disconnected' | 'deleted' | 'aborted' | null;
  /** In a sentence; for a refusal with Envoy's own words. */
  readonly message: string | null;
  /** What it had before. */
  readonly previous: VersionName | null;
  readonly assignedAt: string | null;
  readonly completedAt: string | null;
}

export interface DeploymentTargetPage {
  readonly items: readonly DeploymentTarget[];
  /** Goes into `cursor` of the same route. */
  readonly nextCursor: string | null;
}

export interface TimelineEvent {
  readonly at: string;
  readonly kind: string;
  readonly reason: string;
  /** The facts that the decision was made on. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface DeploymentDetails {
  readonly id: string;
  readonly status: 'pending' | 'running' | 'halted' | 'succeeded' | 'aborted';
  readonly configuration: DeployedConfiguration;
  readonly version: DeployedVersion;
  readonly strategy: Strategy;
  readonly timeout: string;
  readonly disconnected: 'wait' | 'skip';
  readonly notes: string;
  readonly progress: Progress;
  readonly createdBy: Actor;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly targets: DeploymentTargetPage;
  /** The newest events, in the order in which they happened. */
  readonly timeline: readonly TimelineEvent[];
}

export interface Deployment {
  readonly id: string;
  readonly status: 'pending' | 'running' | 'halted' | 'succeeded' | 'aborted';
  readonly configuration: DeployedConfiguration;
  readonly version: DeployedVersion;
  readonly strategy: Strategy;
  readonly timeout: string;
  readonly disconnected: 'wait' | 'skip';
  readonly notes: string;
  readonly progress: Progress;
  readonly createdBy: Actor;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

export interface DeploymentPage {
  readonly items: readonly Deployment[];
  readonly nextCursor: string | null;
}

export interface AuditActor {
  readonly kind: 'user' | 'api_key' | 'system' | 'proxy';
  readonly id: string | null;
  readonly name: string;
}

export interface AuditResource {
  readonly type: string;
  readonly id: string | null;
  readonly name: string | null;
}

export interface AuditEntry {
  readonly id: string;
  /** With microseconds. */
  readonly at: string;
  readonly actor: AuditActor;
  readonly action: string;
  readonly resource: AuditResource;
  readonly outcome: 'success' | 'denied' | 'failure';
  /** Old and new values of what changed, or the reason of a refusal and its count. Secrets by name only. */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

export interface AuditPage {
  readonly items: readonly AuditEntry[];
  /** Give it as `cursor` for older entries. */
  readonly nextCursor: string | null;
}

export interface ChainBreak {
  readonly kind: 'row-changed' | 'row-missing' | 'row-not-linked' | 'link-missing' | 'anchor';
  /** Of the link; null for a row without one. */
  readonly number: number | null;
  /** Of the entry, where it is known. */
  readonly entryId: string | null;
  readonly at: string | null;
  readonly detail: string;
}

export interface ChainHead {
  readonly number: number;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly chainedAt: string;
}

export interface AuditChain {
  readonly state: 'intact' | 'broken';
  /** Links that were checked with their entries. */
  readonly verified: number;
  /** Links whose entries were moved to an archive with their month. */
  readonly archived: number;
  readonly firstBreak: ChainBreak | null;
  /** The newest link. Write it down elsewhere as an anchor. */
  readonly head: ChainHead | null;
}

export interface Event {
  readonly id: string;
  readonly type: string;
  /** What it is about: a deployment, a proxy, a configuration. */
  readonly subjectId: string | null;
  readonly at: string;
  /** The facts, as each type has them. */
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface Alive {
  readonly status: 'ok';
}

export interface Ready {
  readonly status: 'ok';
  /** What is up. */
  readonly info: Readonly<
    Record<
      string,
      {
        readonly status: 'up' | 'down';
      }
    >
  >;
  /** What is down. */
  readonly error: Readonly<
    Record<
      string,
      {
        readonly status: 'up' | 'down';
      }
    >
  >;
  /** Both. */
  readonly details: Readonly<
    Record<
      string,
      {
        readonly status: 'up' | 'down';
      }
    >
  >;
}
