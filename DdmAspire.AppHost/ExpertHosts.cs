using System.Globalization;
using Ddm.Services;

namespace DdmAspire.AppHost;

/// <summary>Expert hosts of a gateway: each answers on two ports, health over HTTP/1.1 and questions over HTTP/2. In Azure the latter is the endpoint, for probes know the other.</summary>
internal static class ExpertHosts
{
    private const string Http = "http", Grpc = "grpc", Http2 = "http2";

    /// <summary>Gives a host its share, its key and its port.</summary>
    public static IResourceBuilder<ProjectResource> Holding(this IResourceBuilder<ProjectResource> host, Serving serving, int share, IResourceBuilder<ParameterResource> key)
    {
        host.WithEnvironment(SettingNames.Variable(SettingNames.ApiKeys, 0), key)
            .WithEnvironment(SettingNames.Variable(SettingNames.HostModel), serving.Model)
            .WithEnvironment(SettingNames.Variable(SettingNames.HostExperts), string.Create(CultureInfo.InvariantCulture, $"{share}/{serving.Hosts}"))
            .WithEndpointsInEnvironment(endpoint => endpoint.Transport != Http2); // that one is what Listen says
        return IsHere(host)
            ? host.WithHttpEndpoint(name: Grpc)
                .WithEndpoint(Grpc, endpoint => endpoint.Transport = Http2)
                .WithEnvironment(SettingNames.Variable(SettingNames.HostListen), $"http://127.0.0.1:{Questions(host).Property(EndpointProperty.TargetPort)}")
            : host.WithEndpoint(Http, endpoint => (endpoint.TargetPort, endpoint.Transport) = (Serving.HostPort, Http2))
                .WithEnvironment(SettingNames.Variable(SettingNames.HostListen), string.Create(CultureInfo.InvariantCulture, $"http://0.0.0.0:{Serving.HostPort}"))
                .WithEnvironment(SettingNames.Variable(SettingNames.HostPlain), "true"); // TLS ends at the ingress before it
    }

    /// <summary>Lets a gateway ask them.</summary>
    public static void Ask(this IResourceBuilder<ProjectResource> gateway, IReadOnlyList<IResourceBuilder<ProjectResource>> hosts, IResourceBuilder<ParameterResource> key)
    {
        for (var i = 0; i < hosts.Count; i++)
        {
            gateway.WithEnvironment(SettingNames.Variable(SettingNames.HostAddresses, i), Questions(hosts[i]));
        }

        gateway.WithEnvironment(SettingNames.Variable(SettingNames.HostsKey), key);
    }

    private static bool IsHere(IResourceBuilder<ProjectResource> host) => host.ApplicationBuilder.ExecutionContext.IsRunMode;

    private static EndpointReference Questions(IResourceBuilder<ProjectResource> host) => host.GetEndpoint(IsHere(host) ? Grpc : Http);
}
