using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>A service that <c>ddm up</c> starts.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Program">Its project.</param>
/// <param name="Pool">Whose slices it trains; of others without meaning.</param>
/// <param name="Port">Where it answers on this machine.</param>
internal sealed record ServicePlan(string Name, string Program, string Pool, int Port)
{
    /// <summary>All of them, on ports that follow each other.</summary>
    /// <param name="port">Of the control plane.</param>
    /// <param name="pools">Where expert trainers work.</param>
    public static List<ServicePlan> All(int port, IReadOnlyList<UpPool> pools) =>
    [
        new("control-plane", "Ddm.ControlPlane", PoolName.Local, port),
        new("feature-extractor", "Ddm.FeatureExtractor", PoolName.Local, port + 1),
        new("clusterer", "Ddm.Clusterer", PoolName.Local, port + 2),
        new("router-trainer", "Ddm.RouterTrainer", PoolName.Local, port + 3),
        .. pools.SelectMany(pool => Enumerable.Range(0, pool.Trainers).Select(i => (pool.Name, i)))
            .Select((trainer, at) => new ServicePlan($"expert-trainer-{(trainer.Name == PoolName.Local ? "" : trainer.Name + "-")}{trainer.i}", "Ddm.ExpertTrainer", trainer.Name, port + 4 + at)),
        new("inference-gateway", "Ddm.InferenceGateway", PoolName.Local, GatewayPort(port, pools)),
    ];

    /// <summary>Where pictures are drawn: behind the last trainer.</summary>
    public static int GatewayPort(int port, IReadOnlyList<UpPool> pools) => port + 4 + pools.Sum(pool => pool.Trainers);
}
