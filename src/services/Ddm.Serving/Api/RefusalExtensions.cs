using Ddm.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>Says of endpoints how they refuse.</summary>
internal static class RefusalExtensions
{
    /// <summary>With these statuses, and an error in OpenAI's form.</summary>
    public static TBuilder Refuses<TBuilder>(this TBuilder endpoints, params ReadOnlySpan<int> statuses)
        where TBuilder : IEndpointConventionBuilder
    {
        foreach (var status in statuses)
        {
            endpoints.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ErrorAnswer), [RequestBody.Json]));
        }

        return endpoints;
    }
}
