import { Body, Controller } from '@nestjs/common';
import { ApiBearerAuth } from '@nestjs/swagger';
import type { RequestContext } from '../../common/context/request-context.js';
import { changesOf } from '../../common/http/batch/batch-bodies.js';
import { BatchRoute } from '../../common/http/batch/batch-route.js';
import { BatchAnswerDto, BatchDto } from '../../common/http/batch/batch.dto.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { CONTAINER_BODIES } from '../dto/container.dto.js';
import { PROXY_BODIES } from '../dto/proxy.dto.js';
import { PROXY_GROUP_BODIES } from '../dto/proxy-group.dto.js';
import { VM_BODIES } from '../dto/vm.dto.js';
import { Containers } from '../services/containers.service.js';
import { Proxies } from '../services/proxies.service.js';
import { ProxyGroups } from '../services/proxy-groups.service.js';
import { Vms } from '../services/vms.service.js';

/** Many writes of one collection at once. */
@ApiBearerAuth()
@Controller()
export class BatchesController {
  constructor(
    private readonly proxyInventory: Proxies,
    private readonly groupInventory: ProxyGroups,
    private readonly machineInventory: Vms,
    private readonly containerInventory: Containers,
  ) {}

  @BatchRoute({ path: 'proxies', tag: 'proxies', permission: 'proxies:write', what: 'proxies' }, PROXY_BODIES)
  async proxies(@Context() ctx: RequestContext, @Body() body: BatchDto): Promise<BatchAnswerDto> {
    return BatchAnswerDto.of(await this.proxyInventory.batch(ctx, await changesOf(PROXY_BODIES, body)));
  }

  @BatchRoute(
    { path: 'proxy-groups', tag: 'proxy groups', permission: 'proxy-groups:write', what: 'proxy groups' },
    PROXY_GROUP_BODIES,
  )
  async proxyGroups(@Context() ctx: RequestContext, @Body() body: BatchDto): Promise<BatchAnswerDto> {
    return BatchAnswerDto.of(await this.groupInventory.batch(ctx, await changesOf(PROXY_GROUP_BODIES, body)));
  }

  @BatchRoute({ path: 'vms', tag: 'virtual machines', permission: 'vms:write', what: 'virtual machines' }, VM_BODIES)
  async vms(@Context() ctx: RequestContext, @Body() body: BatchDto): Promise<BatchAnswerDto> {
    return BatchAnswerDto.of(await this.machineInventory.batch(ctx, await changesOf(VM_BODIES, body)));
  }

  @BatchRoute(
    { path: 'containers', tag: 'containers', permission: 'containers:write', what: 'containers' },
    CONTAINER_BODIES,
  )
  async containers(@Context() ctx: RequestContext, @Body() body: BatchDto): Promise<BatchAnswerDto> {
    return BatchAnswerDto.of(await this.containerInventory.batch(ctx, await changesOf(CONTAINER_BODIES, body)));
  }
}
