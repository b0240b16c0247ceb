using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Ddm.Services;

/// <summary>The distributed dress: quorum queues on a broker.</summary>
internal static class RabbitMqTransport
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2), LongestAnswer = TimeSpan.FromSeconds(10); // what a lost broker never answers must not use up the notice

    /// <summary>Connects the parts over the broker. Nothing that may pass ends a run here: no person stands by.</summary>
    public static IServiceCollection OverRabbitMq(this DdmBuilder ddm, BrokerAddress broker, BrokerSettings brokerSettings)
    {
        var (services, settings) = (ddm.Services, ddm.Settings);
        services.AddSingleton(broker).AddSingleton(brokerSettings).AddSingleton<Topology>().AddSingleton<PoolQueues>().AddSingleton(new LocalKeeper(ddm.HasControlPlane));
        services.AddHostedService<TopologyService>(); // before the bus: the services' first declarations are the right ones
        services.AddSingleton(CommandPatience.Unattended(settings)).AddSingleton<ICommandSender, BrokerSender>().AddSingleton<IQueueDepth, BrokerQueueDepth>();
        services.AddSingleton<ISlicePlacement, PoolPlacement>();
        if (ddm.HasTraining)
        {
            services.AddHostedService<PresenceService>().AddHostedService<SliceFarewell>();
        }

        if (ReplicaLifetime.IsNeeded(settings) && !ddm.HasControlPlane) // which is never without work
        {
            services.AddHostedService<ReplicaLifetime>();
        }

        if (ddm.HasControlPlane)
        {
            services.AddSingleton<ReconcilerLeases>().AddSingleton<RunKeeper>();
            services.AddHostedService(provider =>
            {
                var keeper = provider.GetRequiredService<RunKeeper>();
                provider.GetRequiredService<LocalKeeper>().Wake = keeper.Wake; // not the other way round: the keeper's own parts send
                return keeper;
            });
            services.AddSingleton<OutageEvents>().AddSingleton<IReceiveEndpointObserver>(provider => provider.GetRequiredService<OutageEvents>());
            services.AddHostedService(provider => provider.GetRequiredService<OutageEvents>());
            services.TryAddSingleton(provider => SourceRoots.From(provider.GetRequiredService<IConfiguration>()));
            services.TryAddSingleton<RunIntake>();
            services.TryAddSingleton<IRunControl>(provider => provider.GetRequiredService<RunControl>());
            services.AddSingleton<ISliceSource, BrokerSliceSource>();
            ddm.Consume<SubmitRunConsumer>(QueueNames.Submit);
        }

        // A running slice may take the whole notice; each layer waits a little longer than the one inside it.
        services.Configure<MassTransitHostOptions>(options =>
        {
            options.ConsumerStopTimeout = settings.StopNotice + Step;
            options.StopTimeout = settings.StopNotice + (2 * Step);
        });
        services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = settings.StopNotice + (3 * Step);
            options.ServicesStopConcurrently = true; // an open event stream must not keep the consumers taking messages
        });
        services.AddMassTransit<IOutgoingBus>(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.UsingRabbitMq((_, transport) => Connect(transport, broker));
        });
        return services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            ddm.Register(bus);
            if (ddm.HasControlPlane)
            {
                bus.AddConsumer<RunWakeConsumer>();
            }

            bus.UsingRabbitMq((context, transport) =>
            {
                Connect(transport, broker);
                transport.PublishTopology.BrokerTopologyOptions = PublishBrokerTopologyOptions.MaintainHierarchy;
                Bury(transport);
                foreach (var queue in ddm.Queues)
                {
                    transport.ReceiveEndpoint(queue, endpoint =>
                    {
                        endpoint.ConfigureConsumeTopology = false; // messages are sent to the queue's exchange, never published by type
                        endpoint.SetQuorumQueue();
                        endpoint.SetQueueArgument(Topology.DeadLetterExchange, QueueNames.Dead);
                        endpoint.PrefetchCount = 1; // one piece of work at a time, and none that waits here while another worker is free
                        endpoint.ConcurrentMessageLimit = 1;
                        if (queue == QueueNames.Submit)
                        {
                            endpoint.UseRawJsonDeserializer(RawSerializerOptions.AnyMessageType, isDefault: true); // clients in other languages know no envelopes
                        }

                        ddm.Configure(queue, endpoint, context);
                    });
                }

                if (ddm.HasControlPlane)
                {
                    Hear(transport, context);
                }
            });
        });
    }

    private static void Connect(IRabbitMqBusFactoryConfigurator transport, BrokerAddress broker)
        => transport.Host(broker.Uri, host => host.ContinuationTimeout(LongestAnswer));

    // Every control plane hears every wake-up, through a queue that goes with it: nothing piles up while none is there, and each looks at all runs when it starts.
    private static void Hear(IRabbitMqBusFactoryConfigurator transport, IBusRegistrationContext context)
        => transport.ReceiveEndpoint(new TemporaryEndpointDefinition(tag: QueueNames.ControlPlane), endpoint =>
        {
            endpoint.ConfigureConsumeTopology = false;
            endpoint.Bind(QueueNames.ControlPlane);
            endpoint.DiscardFaultedMessages(); // a wake-up that cannot be read is one that was lost
            endpoint.DiscardSkippedMessages();
            endpoint.ConfigureConsumer<RunWakeConsumer>(context);
        });

    private static void Bury(IRabbitMqBusFactoryConfigurator transport)
    {
        var names = new DeadLetterNames();
        transport.SendTopology.ErrorQueueNameFormatter = names;
        transport.SendTopology.DeadLetterQueueNameFormatter = names;
        transport.SendTopology.ConfigureErrorSettings = AsDeclared;
        transport.SendTopology.ConfigureDeadLetterSettings = AsDeclared;

        // The library gives it the arguments of the queue that the message comes from; the dead letters have no dead letters.
        static void AsDeclared(IRabbitMqQueueBindingConfigurator queue)
        {
            queue.SetQuorumQueue();
            queue.SetQueueArgument(Topology.DeadLetterExchange, null!);
        }
    }
}
