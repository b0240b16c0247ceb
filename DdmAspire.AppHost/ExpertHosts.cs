using System.Globalization;
using Ddm.Services;

namespace DdmAspire.AppHost;

/// <summary>Expert hosts of a gateway: each answers on two ports, health over HTTP/1.1 and questions over HTTP/2.</summary>
internal static class ExpertHosts
{
    private const string Questions = "grpc", Health = "http";
    private const int HealthPort = 8080; // of the image

    /// <summary>Gives a host its share, its key and its port.</summary>
    public static IResourceBuilder<ProjectResource> Holding(this IResourceBuilder<ProjectResource> host, Serving serving, int share, IResourceBuilder<ParameterResource> key)
    {
        var here = host.ApplicationBuilder.ExecutionContext.IsRunMode;
        host.WithHttpEndpoint(name: Questions, targetPort: here ? null : Serving.HostPort)
            .WithEndpoint(Questions, endpoint => endpoint.Transport = "http2")
            .WithEndpoint(Health, endpoint => endpoint.TargetPort = here ? null : HealthPort)
            .WithEndpointsInEnvironment(endpoint => endpoint.Name == Health) // the other is what Listen says
            .WithEnvironment(SettingNames.Variable(SettingNames.ApiKeys, 0), key)
            .WithEnvironment(SettingNames.Variable(SettingNames.HostModel), serving.Model)
            .WithEnvironment(SettingNames.Variable(SettingNames.HostExperts), string.Create(CultureInfo.InvariantCulture, $"{share}/{serving.Hosts}"));
        return here
            ? host.WithEnvironment(SettingNames.Variable(SettingNames.HostListen), $"http://127.0.0.1:{host.GetEndpoint(Questions).Property(EndpointProperty.TargetPort)}")
            : host.WithEnvironment(SettingNames.Variable(SettingNames.HostListen), string.Create(CultureInfo.InvariantCulture, $"http://0.0.0.0:{Serving.HostPort}"))
                .WithEnvironment(SettingNames.Variable(SettingNames.HostPlain), "true"); // TLS ends at the ingress before it
    }

    /// <summary>Lets a gateway ask them.</summary>
    public static void Ask(this IResourceBuilder<ProjectResource> gateway, IReadOnlyList<IResourceBuilder<ProjectResource>> hosts, IResourceBuilder<ParameterResource> key)
    {
        for (var i = 0; i < hosts.Count; i++)
        {
            gateway.WithEnvironment(SettingNames.Variable(SettingNames.HostAddresses, i), hosts[i].GetEndpoint(Questions));
        }

        gateway.WithEnvironment(SettingNames.Variable(SettingNames.HostsKey), key);
    }
}
