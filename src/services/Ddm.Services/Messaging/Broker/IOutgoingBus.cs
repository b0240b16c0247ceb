using MassTransit;

namespace Ddm.Services;

/// <summary>
/// What commands are sent over: a connection of its own. When the other one is lost, the library does not open it again before the messages under way are done with,
/// and a slice is not done with before its successor is sent.
/// </summary>
public interface IOutgoingBus : IBus;
