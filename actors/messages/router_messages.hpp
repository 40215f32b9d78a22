// What routers are sent by others than their connections.
#pragma once

#include "actors/messages/batch.hpp"
#include "actors/messages/close_reason.hpp"
#include "actors/messages/connection_messages.hpp"
#include "actors/messages/remote_calls.hpp"
#include "actors/messages/report_messages.hpp"
#include "actors/messages/uplink_messages.hpp"
