using Grpc.AspNetCore.Server.Model;

namespace Ddm.Serving;

/// <summary>Tells the server of gRPC which calls <see cref="ExpertHostService"/> answers.</summary>
internal sealed class ExpertHostMethods : IServiceMethodProvider<ExpertHostService>
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ExpertHostService> context)
    {
        context.AddUnaryMethod(ExpertWire.Describe, [], (service, _, _) => service.DescribeAsync());
        context.AddUnaryMethod(ExpertWire.Velocity, [], (service, bytes, call) => service.VelocityAsync(bytes, call.CancellationToken));
    }
}
