using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Services;

/// <summary>The embedded dress: queues in this process's memory.</summary>
internal static class InMemoryTransport
{
    /// <summary>Connects the parts through memory. Commands live as long as the process, so what fails a few times ends the run: a person stands by.</summary>
    public static IServiceCollection OverMemory(this DdmBuilder ddm)
    {
        ddm.Services.AddSingleton(CommandPatience.Attended).AddSingleton<ICommandSender, MassTransitSender>().AddSingleton<ISlicePlacement, OwnPlacement>();
        ddm.Services.AddSingleton<EmbeddedQueueDepth>().AddSingleton<IQueueDepth>(provider => provider.GetRequiredService<EmbeddedQueueDepth>());
        ddm.Services.AddSendObserver(provider => provider.GetRequiredService<EmbeddedQueueDepth>());
        ddm.Services.AddConsumeObserver(provider => provider.GetRequiredService<EmbeddedQueueDepth>());
        if (ddm.HasControlPlane)
        {
            ddm.Consume<RunAdvancedConsumer>(QueueNames.ControlPlane);
        }

        return ddm.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            ddm.Register(bus);
            bus.UsingInMemory((context, transport) =>
            {
                foreach (var queue in ddm.Queues)
                {
                    transport.ReceiveEndpoint(queue, endpoint =>
                    {
                        // One piece of work at a time a queue: each is already as parallel inside as the machine is wide.
                        endpoint.PrefetchCount = 1;
                        endpoint.ConcurrentMessageLimit = 1;
                        ddm.Configure(queue, endpoint, context);
                    });
                }
            });
        });
    }
}
