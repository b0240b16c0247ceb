using Ddm.Runs;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ddm.Services;

/// <summary>Collects which parts of the product a process runs; the transport is chosen last, and no part knows which it gets.</summary>
public sealed class DdmBuilder
{
    private readonly List<QueueBinding> bindings = [];
    private readonly Dictionary<Type, Action<IBusRegistrationConfigurator>> consumers = [];

    internal DdmBuilder(IServiceCollection services, WorkerSettings settings) => (Services, Settings) = (services, settings);

    /// <summary>Where the parts are registered.</summary>
    public IServiceCollection Services { get; }

    /// <summary>What the process was told about itself.</summary>
    public WorkerSettings Settings { get; }

    /// <summary>True once this process decides what runs do next.</summary>
    internal bool HasControlPlane { get; set; }

    /// <summary>True once this process trains.</summary>
    internal bool HasTraining { get; set; }

    /// <summary>The queues this process reads, each once.</summary>
    internal IReadOnlyList<string> Queues => [.. bindings.Select(binding => binding.Queue).Distinct()];

    /// <summary>Work that comes in through a queue.</summary>
    internal DdmBuilder Handle<TCommand, THandler>(string queue)
        where TCommand : class, IRunCommand
        where THandler : class, ICommandHandler<TCommand>
    {
        Services.TryAddSingleton<ICommandHandler<TCommand>, THandler>();
        Services.TryAddSingleton<CommandRunner<TCommand>>();
        return Consume<CommandConsumer<TCommand>>(queue);
    }

    /// <summary>A consumer of a queue.</summary>
    internal DdmBuilder Consume<TConsumer>(string queue)
        where TConsumer : class, IConsumer
    {
        consumers.TryAdd(typeof(TConsumer), bus => bus.AddConsumer<TConsumer>());
        bindings.Add(new QueueBinding(queue, (endpoint, context) => endpoint.ConfigureConsumer<TConsumer>(context)));
        return this;
    }

    /// <summary>Registers every consumer.</summary>
    internal void Register(IBusRegistrationConfigurator bus)
    {
        foreach (var add in consumers.Values)
        {
            add(bus);
        }
    }

    /// <summary>Puts every consumer of a queue on the queue's endpoint.</summary>
    internal void Configure(string queue, IReceiveEndpointConfigurator endpoint, IBusRegistrationContext context)
    {
        foreach (var binding in bindings.Where(binding => binding.Queue == queue))
        {
            binding.Configure(endpoint, context);
        }
    }
}
