using MassTransit;

namespace Ddm.Services;

/// <summary>A queue that this process reads, and what it does with the messages.</summary>
/// <param name="Queue">Its name.</param>
/// <param name="Configure">Puts the consumer on the queue's endpoint.</param>
internal sealed record QueueBinding(string Queue, Action<IReceiveEndpointConfigurator, IBusRegistrationContext> Configure);
