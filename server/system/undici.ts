/**
 * undici's Pool and Client, loaded by their own files: the whole package costs 9 MB of the memory limit, most of it for
 * fetch and WebSocket. What undici's index does for the methods, this does too.
 */
import type { buildConnector as BuildConnector, Client as ClientType, Dispatcher, Pool as PoolType } from "undici";
import api from "undici/lib/api/index.js";
import buildConnectorFunction from "undici/lib/core/connect.js";
import ClientClass from "undici/lib/dispatcher/client.js";
import DispatcherBase from "undici/lib/dispatcher/dispatcher.js";
import PoolClass from "undici/lib/dispatcher/pool.js";

DispatcherBase.prototype.request = api.request;

export type { Dispatcher };
export type Pool = PoolType;
export const Pool: typeof PoolType = PoolClass;
export type Client = ClientType;
export const Client: typeof ClientType = ClientClass;
export const buildConnector: typeof BuildConnector = buildConnectorFunction;
