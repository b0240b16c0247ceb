using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Serving;

/// <summary><c>/v1/images/jobs</c>: pictures that nobody holds a connection open for.</summary>
internal static class JobEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder group)
    {
        group.MapPost("/", SubmitAsync).WithName("createImageJob").WithMetadata(new RequestSizeLimitAttribute(ImagesEndpoint.MostBytes));
        group.MapGet("/{id}", LookAsync).WithName("retrieveImageJob");
        group.MapPost("/{id}/cancel", CancelAsync).WithName("cancelImageJob").WithMetadata(new RequestSizeLimitAttribute(ImagesEndpoint.MostBytes));
    }

    private static async Task<IResult> SubmitAsync(HttpContext context, [FromServices] ImageJobs jobs, [FromServices] KeyLimits limits)
    {
        var gone = context.RequestAborted;
        var text = await ImagesEndpoint.ReadAsync(context, limits);
        var job = await jobs.SubmitAsync(ImagesEndpoint.KeyOf(context), text, context.Request.Headers[ImagesEndpoint.IdempotencyKey].ToString(), gone);
        var answer = await jobs.DescribeAsync(context.Request, job, gone);
        context.Response.Headers.Location = answer.PollUrl;
        return TypedResults.Json(answer, GatewayApi.Json, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> LookAsync(HttpContext context, string id, [FromServices] ImageJobs jobs)
    {
        var gone = context.RequestAborted;
        return TypedResults.Json(await jobs.DescribeAsync(context.Request, await jobs.FindAsync(ImagesEndpoint.KeyOf(context), id, gone), gone), GatewayApi.Json);
    }

    private static async Task<IResult> CancelAsync(HttpContext context, string id, [FromServices] ImageJobs jobs)
    {
        var gone = context.RequestAborted;
        return TypedResults.Json(await jobs.DescribeAsync(context.Request, await jobs.CancelAsync(ImagesEndpoint.KeyOf(context), id, gone), gone), GatewayApi.Json);
    }
}
