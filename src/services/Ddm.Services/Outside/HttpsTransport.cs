using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Ddm.Services;

/// <summary>The third dress: no broker and no store of one's own, but a control plane that is asked for everything.</summary>
internal static class HttpsTransport
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    /// <summary>Connects a trainer to its control plane.</summary>
    /// <exception cref="UserErrorException">The process does more than train.</exception>
    public static IServiceCollection OverHttps(this DdmBuilder ddm, ServerConnection server, OutsideSession session)
    {
        if (ddm.HasControlPlane || !ddm.HasTraining || ddm.Queues.Any(queue => queue != QueueNames.Train(ddm.Settings.Pool)))
        {
            throw new UserErrorException($"{ServerAddress.Setting} is for expert trainers alone: every other service needs broker and store ({BrokerAddress.Setting}, {BlobStores.Setting}).");
        }

        var services = ddm.Services.AddSingleton(server).AddSingleton(session).AddSingleton(CommandPatience.Unattended(ddm.Settings));
        services.AddSingleton<IRoleKeeper, ServerRoleKeeper>().AddSingleton<ICommandSender, ServerSender>().AddSingleton<IQueueDepth, ServerQueueDepth>().AddSingleton<IRoleReports, ServerReports>();
        services.AddSingleton<ISlicePlacement, OwnPlacement>(); // for the parts that every process has; nothing is placed from here
        if (ReplicaLifetime.IsNeeded(ddm.Settings))
        {
            services.AddHostedService<ReplicaLifetime>();
        }

        services.AddHostedService<OutsidePresence>().AddHostedService<OutsideWork>();

        // A running slice may take the whole notice; each layer waits a little longer than the one inside it.
        return services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = ddm.Settings.StopNotice + (3 * Step);
            options.ServicesStopConcurrently = true;
        });
    }
}
